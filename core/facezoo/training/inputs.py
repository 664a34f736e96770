"""What a run reads beside its training images, and a look at all of it that decodes nothing."""

from __future__ import annotations

from pathlib import Path

from facezoo.benchmarks import PairsBenchmark, open_run_benchmark
from facezoo.benchmarks.running import open_images
from facezoo.data import Preprocessing, TestPairs
from facezoo.data.sources import find_training
from facezoo.errors import FacezooError
from facezoo.runs.checkpoint import find_checkpoint
from facezoo.runs.device import choose_device
from facezoo.settings import RunSettings
from facezoo.training.initial import NOTHING


def open_run_pairs(
    settings: RunSettings, contract: Preprocessing, *, decoded: bool = True
) -> TestPairs | None:
    """The pairs that a run is verified on, or None; without `decoded`, their images are left for later.

    Raises FacezooError where they are not there, or are needed during training and not named.
    """
    data, evaluate = settings.data, settings.evaluate
    memory, cache = (data.memory_mib * 2**20, data.cache) if decoded else (0, "none")
    found = open_run_benchmark(evaluate, data.path, contract)
    pairs = None
    if isinstance(found, PairsBenchmark):
        pairs = TestPairs(found.name, open_images(found, contract, memory, cache), found.pairs)
    if pairs is None and (evaluate.every or evaluate.every_steps):
        message = "evaluate.every: there are no pairs to verify during training"
        raise FacezooError(message, "Name some (--pairs FILE), or leave it at 0.")
    return pairs


def check_inputs(settings: RunSettings) -> None:
    """Raise the FacezooError of a run whose device, images, pairs or weights to start from are not there.

    What takes longer is left to the run itself: images are found, not decoded, and weights not read.
    """
    choose_device(settings.train.device)
    images = settings.data
    _, contract = find_training(images.path, images.size, images.fit)
    open_run_pairs(settings, contract, decoded=False)
    if settings.train.init_from != NOTHING:
        find_checkpoint(Path(settings.train.init_from))
