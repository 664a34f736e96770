"""What a run reads beside its training images, and a look at all of it that decodes nothing."""

from __future__ import annotations

from pathlib import Path

from facezoo.benchmarks import Benchmark, open_run_benchmark
from facezoo.data import Preprocessing
from facezoo.data.sources import find_training
from facezoo.errors import FacezooError
from facezoo.runs.device import choose_device
from facezoo.runs.places import find_checkpoint
from facezoo.settings import RunSettings
from facezoo.training.initial import NOTHING


def open_to_verify(settings: RunSettings, contract: Preprocessing) -> Benchmark | None:
    """What a run is verified on, its images found and not decoded; or None.

    Raises FacezooError where it is not there, or is needed during training and not named.
    """
    evaluate = settings.evaluate
    benchmark = open_run_benchmark(evaluate, settings.data.path, contract)
    if benchmark is None and (evaluate.every or evaluate.every_steps):
        message = "evaluate.every: there are no pairs to verify during training"
        raise FacezooError(message, "Name some (--pairs FILE), or leave it at 0.")
    return benchmark


def check_inputs(settings: RunSettings) -> Benchmark | None:
    """Raise the FacezooError of a run whose device, images, pairs or weights to start from are not there.

    What takes longer is left to the run itself: images are found, not decoded, and weights not read. Returns
    what the run is verified on.
    """
    choose_device(settings.train.device)
    images = settings.data
    _, contract = find_training(images.path, images.size, images.fit)
    benchmark = open_to_verify(settings, contract)
    if settings.train.init_from != NOTHING:
        find_checkpoint(Path(settings.train.init_from))
    return benchmark
