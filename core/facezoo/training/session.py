"""A whole run: directory, training, evaluation, figures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from facezoo.data import ImageFiles, Preprocessing, TestPairs, open_pairs, open_store
from facezoo.disk.durable import write_json, write_text
from facezoo.errors import FacezooError
from facezoo.evaluation import Verification, embed
from facezoo.settings import RunSettings, resolve, to_toml
from facezoo.training.checkpoint import best_checkpoint, latest_checkpoint, read_metadata, require_head
from facezoo.training.claim import claim
from facezoo.training.metrics import MetricsLog, forget_after, read_metrics
from facezoo.training.trainer import Trainer
from facezoo.training.verifying import verify_pairs

if TYPE_CHECKING:
    from rich.console import Console

CONFIG = "resolved.toml"
EVALUATION = "evaluation.json"
SHOWN = 5  # files left out that are named one by one


def train(
    settings: RunSettings, out: Path, resume: bool = False, console: Console | None = None
) -> dict[str, Any]:
    """Train as `settings` say in the run directory `out`, then verify; returns what evaluation.json holds.

    A new run needs a directory that holds no run; with `resume`, training goes on from the last checkpoint
    there (or from the beginning, where none was reached). Figures are fractions; what is printed to `console`
    is in percent, and without a console nothing is printed. Raises FacezooError for whatever the user can
    mend, and `ClaimedError` where another process is training in `out`.
    """
    with _writable(out):
        out.mkdir(parents=True, exist_ok=True)
    with claim(out):
        if not resume:
            _begin(settings, out)
        return _train(settings, out, resume, console)


def _train(settings: RunSettings, out: Path, resume: bool, console: Console | None) -> dict[str, Any]:
    checkpoint = latest_checkpoint(out) if resume else None
    if resume:
        forget_after(out, read_metadata(checkpoint)["step"] if checkpoint else 0)
    trainer = Trainer(settings, out, console, fresh=checkpoint is None)
    _introduce(trainer)
    pairs = trainer.pairs = _open_pairs(settings, trainer.parts.preprocessing)
    untrained = _untrained(trainer, pairs)
    if checkpoint is not None:
        trainer.restore(checkpoint)
    if resume:
        trainer.report.line(f"resumed at step {trainer.step:,} of {trainer.total_steps:,}")
    trainer.fit()
    return _conclude(trainer, pairs, untrained)


def resume(out: Path, console: Console | None = None) -> dict[str, Any]:
    """Go on with the run in directory `out`, with the settings in its resolved.toml; see `train`."""
    config = out / CONFIG
    if not config.is_file():
        message = f"{out}: holds no run to resume (there is no {CONFIG})"
        raise FacezooError(message, "Give the directory of a run that was begun with `facezoo train`.")
    with claim(out):  # from here on nobody else drops the checkpoint that is looked at
        if checkpoint := latest_checkpoint(out):
            require_head(checkpoint, read_metadata(checkpoint))
        return _train(resolve(config), out, True, console)


def _begin(settings: RunSettings, out: Path) -> None:
    if (out / CONFIG).exists():
        hint = f"Go on with it (--resume {out}), or choose another directory (--out)."
        raise FacezooError(f"{out}: holds a run already", hint)
    with _writable(out):
        write_text(out / CONFIG, to_toml(settings))


@contextmanager
def _writable(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        message = f"{out}: cannot be written ({problem.strerror})"
        raise FacezooError(message, "Choose another directory (--out).") from problem


def _introduce(trainer: Trainer) -> None:
    parts, settings, report = trainer.parts, trainer.settings, trainer.report
    faces = parts.data.faces
    size, precision = settings.data.size, "bf16" if parts.bf16 else "float32"
    parameters = sum(parameter.numel() for parameter in parts.backbone.parameters())
    report.line(
        f"{settings.head_name} on {settings.data.path}: {len(faces):,} images of {len(faces.identities):,} "
        f"identities, {size} x {size}; {settings.backbone.name} ({parameters / 1e6:.1f} M parameters) "
        f"on {parts.device} in {precision}"
    )
    warmup, epochs = settings.optimizer.warmup_epochs, settings.train.epochs
    if warmup >= epochs:
        report.line(
            f"note: the warm-up of {warmup:g} epochs (optimizer.warmup_epochs) takes the whole run "
            f"of {epochs}: the learning rate only rises"
        )
    if start := trainer.started_from:
        taken = "backbone and head" if start["head"] else "backbone"
        frozen = "; the backbone is frozen" if parts.frozen else ""
        report.line(f"started from {start['checkpoint']} ({taken}{frozen})")
    if faces.left_out:
        report.line(f"left out: {len(faces.left_out):,} files or folders")
        for item in faces.left_out[:SHOWN]:
            report.line(f"  {item}")
        if len(faces.left_out) > SHOWN:
            report.line(f"  and {len(faces.left_out) - SHOWN:,} more; all are listed in left_out.txt")
        write_text(trainer.run_dir / "left_out.txt", "".join(f"{item}\n" for item in faces.left_out))


def _open_pairs(settings: RunSettings, contract: Preprocessing) -> TestPairs | None:
    data, evaluate = settings.data, settings.evaluate
    memory = data.memory_mib * 2**20
    named = (evaluate.pairs, evaluate.images, data.path)
    pairs = open_pairs(
        *named, data.size, memory, protocol=evaluate.protocol, contract=contract, cache=data.cache
    )
    if pairs is None and (evaluate.every or evaluate.every_steps):
        message = "evaluate.every: there are no pairs to verify during training"
        raise FacezooError(message, "Name some (--pairs FILE), or leave it at 0.")
    return pairs


def _untrained(trainer: Trainer, pairs: TestPairs | None) -> dict[str, Any] | None:
    """The figures of the network before its first step; a resumed run reads them from metrics.jsonl."""
    for line in read_metrics(trainer.run_dir):
        if line.get("event") == "untrained":
            figures: dict[str, Any] = line["verification"]
            return figures
    if pairs is None:
        return None
    figures = _verify(trainer, pairs).as_dict()
    log = MetricsLog(trainer.run_dir)
    log.write({"event": "untrained", "step": 0, "verification": figures})
    log.close()
    return figures


def _verify(trainer: Trainer, pairs: TestPairs) -> Verification:
    """The figures of the network as it is now, which may have been found at the end of training."""
    if trainer.verified and trainer.verified[0] == trainer.step:
        return trainer.verified[1]
    return verify_pairs(trainer.parts, trainer.settings.evaluate, pairs)


def _conclude(trainer: Trainer, pairs: TestPairs | None, untrained: dict[str, Any] | None) -> dict[str, Any]:
    trained = _verify(trainer, pairs) if pairs else None
    evaluation = {
        "step": trainer.step,
        "pairs": pairs.name if pairs else None,
        "verification": trained.as_dict() if trained else None,
        "untrained": untrained,
        "best": best_checkpoint(trainer.run_dir),
        "protocols": _other_protocols(trainer),
    }
    write_json(trainer.run_dir / EVALUATION, evaluation)
    if trained and untrained and pairs:
        for line in table(pairs.name, trained, untrained):
            trainer.report.line(line)
    else:
        trainer.report.line(
            "no verification: the data brings no pairs, or none were asked for (--pairs FILE)"
        )
    trainer.report.line(f"run directory: {trainer.run_dir}")
    return evaluation


def _other_protocols(trainer: Trainer) -> dict[str, Any]:
    """The figures of the protocols that observers bring, by name."""
    parts, evaluate = trainer.parts, trainer.settings.evaluate

    def embed_files(paths: Iterable[Path | str]) -> npt.NDArray[np.float32]:
        """Embeddings float32 [N, dim] of image files, prepared and flip-summed as the run's settings say."""
        files = ImageFiles(Path(), tuple(str(path) for path in paths))
        contract, memory = parts.preprocessing, trainer.settings.data.memory_mib * 2**20
        store = open_store(files, contract.size, memory, fit=contract.fit)
        return embed(
            parts.backbone, store, parts.preprocessing, batch_size=evaluate.batch_size, flip=evaluate.flip
        )

    protocols = trainer.observers.evaluation_protocols()
    return {name: dict(protocol(embed_files, evaluate)) for name, protocol in protocols.items()}


def table(name: str, trained: Verification, untrained: Mapping[str, Any]) -> list[str]:
    """The lines that end a run: figures in percent, beside the untrained network's."""
    pairs = f"{trained.genuine:,} genuine and {trained.impostor:,} impostor pairs"
    constant = f"one constant answer would be {_percent(trained.majority)} % right"
    lines = [
        f"verification on {name}: {pairs}, {len(trained.fold_accuracy)}-fold; {constant}",
        f"{'%':<10}{'accuracy':>10}{'fold SD':>10}{'SE':>10}{'AUC':>10}{'EER':>10}",
    ]
    for row, figures in (("trained", trained.as_dict()), ("untrained", untrained)):
        cells = "".join(
            f"{_percent(figures[key]):>10}" for key in ("accuracy", "fold_sd", "se", "auc", "eer")
        )
        lines.append(f"{row:<10}{cells}")
    return lines


def _percent(fraction: float | None) -> str:
    return "undefined" if fraction is None else f"{100 * fraction:.2f}"
