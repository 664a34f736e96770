"""What a run says of itself before its first step and after its last."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from facezoo.data.faces import told
from facezoo.evaluation import Verification
from facezoo.settings.paths import nearby
from facezoo.training.trainer import Trainer


def introduce(trainer: Trainer) -> None:
    """Print what is trained, on what, from which weights, and what was left out of the data."""
    for line in _lines(trainer):
        trainer.report.line(line)


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
    if start := trainer.started_from:
        taken = "backbone and head" if start["head"] else "backbone"
        frozen = "; the backbone is frozen" if parts.frozen else ""
        yield f"started from {nearby(start['checkpoint'])} ({taken}{frozen})"
    if faces.left_out:
        yield f"left out: {len(faces.left_out):,} files or folders"
        yield from told(faces.left_out, "all are listed in left_out.txt")


def table(name: str, trained: Verification, untrained: Mapping[str, Any] | None) -> list[str]:
    """The lines that end a run: figures in percent, beside the untrained network's where those are known."""
    pairs = f"{trained.genuine:,} genuine and {trained.impostor:,} impostor pairs"
    constant = f"one constant answer would be {_percent(trained.majority)} % right"
    lines = [
        f"verification on {name}: {pairs}, {len(trained.fold_accuracy)}-fold; {constant}",
        f"{'%':<10}{'accuracy':>10}{'fold SD':>10}{'SE':>10}{'AUC':>10}{'EER':>10}",
    ]
    for row, figures in (("trained", trained.as_dict()), ("untrained", untrained)):
        if figures is None:
            continue
        cells = "".join(
            f"{_percent(figures[key]):>10}" for key in ("accuracy", "fold_sd", "se", "auc", "eer")
        )
        lines.append(f"{row:<10}{cells}")
    return lines


def _percent(fraction: float | None) -> str:
    return "undefined" if fraction is None else f"{100 * fraction:.2f}"
