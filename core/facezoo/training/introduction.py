"""What a run says of itself before its first step and after its last."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from facezoo.benchmarks import Main
from facezoo.data.faces import told
from facezoo.disk.paths import nearby
from facezoo.runs.written import RATES
from facezoo.table import number
from facezoo.training.trainer import Trainer


def introduce(trainer: Trainer) -> None:
    """Print what is trained, on what, from which weights, and what was left out of the data."""
    for line in _lines(trainer):
        trainer.audience.report.line(line)


def _lines(trainer: Trainer) -> Iterator[str]:
    parts, settings = trainer.parts, trainer.settings
    faces = parts.data.faces
    data = nearby(settings.data.path)
    size, precision = settings.data.size, "bf16" if parts.bf16 else "float32"
    parameters = sum(parameter.numel() for parameter in parts.backbone.parameters())
    yield (
        f"{settings.head_name} on {data}: {len(faces):,} images of {len(faces.identities):,} "
        f"identities, {size} x {size}; {settings.backbone.name} ({parameters / 1e6:.1f} M parameters) "
        f"on {parts.device} in {precision}"
    )
    warmup, epochs = settings.optimizer.warmup_epochs, settings.train.epochs
    if warmup >= epochs:
        yield (
            f"note: the warm-up of {warmup:g} epochs (optimizer.warmup_epochs) takes the whole run "
            f"of {epochs}: the learning rate only rises"
        )
    if start := trainer.saver.started_from:
        taken = "backbone and head" if start["head"] else "backbone"
        frozen = "; the backbone is frozen" if parts.frozen else ""
        yield f"started from {nearby(start['checkpoint'])} ({taken}{frozen})"
    if faces.left_out:
        yield f"left out: {len(faces.left_out):,} files or folders"
        yield from told(faces.left_out, "all are listed in left_out.txt")


def table(
    name: str, main: Main, trained: Mapping[str, Any], untrained: Mapping[str, Any] | None
) -> Iterator[str]:
    """The lines that end a run: its figures beside the untrained network's, where those are known."""
    runs = {"trained": trained} | ({} if untrained is None else {"untrained": untrained})
    if trained.keys() >= set(RATES):
        yield from _of_pairs(name, runs)
        return
    named = [key for key, value in trained.items() if value is None or isinstance(value, float)]
    width = 2 + max(map(len, [*named, main.unit]), default=8)
    yield f"verification on {name}, by {main.name}"
    yield f"{main.unit:<{width}}" + "".join(f"{run:>12}" for run in runs)
    for key in named:
        cells = (number(figures.get(key), main.unit) for figures in runs.values())
        yield f"{key:<{width}}" + "".join(f"{cell:>12}" for cell in cells)


def _of_pairs(name: str, runs: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    trained = runs["trained"]
    pairs = f"{trained['genuine']:,} genuine and {trained['impostor']:,} impostor pairs"
    constant = f"one constant answer would be {number(trained['majority'])} % right"
    yield f"verification on {name}: {pairs}, {len(trained['fold_accuracy'])}-fold; {constant}"
    yield f"{'%':<10}{'accuracy':>10}{'fold SD':>10}{'SE':>10}{'AUC':>10}{'EER':>10}"
    for run, figures in runs.items():
        yield f"{run:<10}" + "".join(f"{number(figures[key]):>10}" for key in RATES)
