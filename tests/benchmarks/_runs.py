"""What the benchmarks of training share: generated faces, a trainer on them, and a clock at its steps."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
from PIL import Image

from facezoo.hooks import hookimpl
from facezoo.registry.entries import PluginEntry
from facezoo.settings import resolve
from facezoo.training import Trainer

SIDE = 112  # of the images on disk, as aligned faces come
CASES = {"small": (64, 128), "iresnet18": (112, 512)}
"""Side of the input and size of the embedding, by backbone."""


def generate(root: Path, identities: int, images: int) -> Path:
    """Identity folders of JPEGs whose size and smoothness are those of photographs."""
    random = np.random.default_rng(0)
    for identity in range(identities):
        folder = root / f"{identity:05d}"
        folder.mkdir(parents=True)
        coarse = random.integers(0, 256, (8, 8, 3), dtype=np.uint8)
        pattern = np.asarray(Image.fromarray(coarse).resize((SIDE, SIDE), Image.Resampling.BICUBIC), float)
        for image in range(images):
            noisy = np.clip(pattern + random.normal(0, 6, pattern.shape), 0, 255).astype(np.uint8)
            Image.fromarray(noisy).save(folder / f"{image:03d}.jpg", quality=90)
    return root


class Clock:
    """An observer that notes when each step ended."""

    def __init__(self) -> None:
        self.ends: list[float] = []

    @hookimpl
    def step_end(self) -> None:
        self.ends.append(time.perf_counter())


def clocked(trainer: Trainer) -> Clock:
    """Add a clock to a trainer's observers."""
    clock = Clock()
    trainer.audience.observers.add(PluginEntry("clock", "benchmarks", "1", ""), clock)
    return clock


def make_trainer(
    data: Path, backbone: str, batch: int, threads: int, run_dir: Path, *changes: str
) -> Trainer:
    """A trainer of cosface on all of `data`, with flips as the only augmentation; it saves when told."""
    size, dim = CASES[backbone]
    plain = (
        "data.crop=1",
        "data.jitter=0",
        "data.erase=0",
        "data.cache=none",
        "train.save_every=0",
        "train.epochs=100000",
    )
    sizes = (f"data.size={size}", f"backbone.name={backbone}", f"backbone.dim={dim}")
    how = (f"train.batch_size={batch}", f"train.threads={threads}", "train.device=cpu")
    flags = {"head.name": "cosface", "data.path": str(data), "evaluate.pairs": "none"}
    settings = resolve(None, "small", flags, (*plain, *sizes, *how, *changes))
    run_dir.mkdir(parents=True, exist_ok=True)
    return Trainer(settings, run_dir)


def rate(clock: Clock, trainer: Trainer, warmup: int) -> float:
    """Images a second over the steps after the first `warmup`."""
    counts: list[int] = []
    epoch = 0
    while len(counts) < len(clock.ends):
        counts += [len(images) for images in trainer.parts.batches.images(epoch)]
        epoch += 1
    seconds = clock.ends[-1] - clock.ends[warmup - 1]
    return sum(counts[warmup : len(clock.ends)]) / seconds
