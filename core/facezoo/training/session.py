"""A whole run: directory, training, evaluation, figures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from facezoo.data import TestPairs
from facezoo.disk.durable import write_json, write_text
from facezoo.errors import FacezooError
from facezoo.evaluation import Verification
from facezoo.runs.checkpoint import best_checkpoint, latest_checkpoint, read_metadata, require_head
from facezoo.runs.claim import claim
from facezoo.runs.directory import (
    CONFIG,
    LEFT_OUT,
    begin,
    check_directory,
    refuse_claimed,
    refuse_run,
    writing,
)
from facezoo.runs.metrics import Past
from facezoo.runs.places import EVALUATION
from facezoo.runs.written import read_written
from facezoo.settings import RunSettings, resolve
from facezoo.training.initial import NOTHING
from facezoo.training.inputs import open_run_pairs
from facezoo.training.introduction import introduce, table
from facezoo.training.trainer import Trainer
from facezoo.training.verifying import verify_pairs

if TYPE_CHECKING:
    from rich.console import Console

FULL: Final = "Free some space, then use --resume."


def train(
    settings: RunSettings, out: Path, resume: bool = False, console: Console | None = None
) -> dict[str, Any]:
    """Train as `settings` say in the run directory `out`, then verify; returns what evaluation.json holds.

    A new run needs a directory that holds no run, and makes it once all that it reads is open: a start that
    fails leaves nothing there. With `resume`, training goes on from the last checkpoint there (or from the
    beginning, where none was reached). Figures are fractions; what is printed to `console` is in percent, and
    without a console nothing is printed. Raises FacezooError for whatever the user can mend, and
    `ClaimedError` where another process is training in `out`.
    """
    if resume:
        check_directory(out)
        with claim(out):
            return _go_on(settings, out, console)
    refuse_run(out)
    refuse_claimed(out)
    trainer = _opened(settings, out, console)
    figures = _verify(trainer)
    with begin(out, settings) as taken_over:
        if taken_over:
            trainer.report.line(f"{out}: a start that failed before its first step lay there; it is replaced")
        return _run(trainer, figures.as_dict() if figures else None)


def resume(out: Path, console: Console | None = None) -> dict[str, Any]:
    """Go on with the run in directory `out`, with the settings in its resolved.toml; see `train`."""
    check_directory(out)
    config = out / CONFIG
    if not config.is_file():
        message = f"{out}: holds no run to resume (there is no {CONFIG})"
        raise FacezooError(message, "Give the directory of a run that was begun with `facezoo train`.")
    with claim(out):  # from here on nobody else drops the checkpoint that is looked at
        if checkpoint := latest_checkpoint(out):
            require_head(checkpoint, read_metadata(checkpoint))
        return _go_on(resolve(config), out, console)


def _go_on(settings: RunSettings, out: Path, console: Console | None) -> dict[str, Any]:
    """Go on with the run in a directory that is claimed."""
    return _run(*_restored(settings, out, console))


def _restored(
    settings: RunSettings, out: Path, console: Console | None
) -> tuple[Trainer, dict[str, Any] | None]:
    """A trainer where the run was saved last, and the figures of the untrained network, where known.

    The directory is changed only once everything has been looked at.
    """
    checkpoint, written = latest_checkpoint(out), read_written(out)
    best_checkpoint(out)  # a damaged one would stop the run at its next save
    trainer = _opened(settings, out, console, fresh=checkpoint is None)
    untrained = Past.of(written.lines).untrained
    if untrained and trainer.pairs and not _are_of(untrained, trainer.pairs):
        untrained = None  # [evaluate] names other pairs by now
    first = untrained is None and (checkpoint is None or settings.train.init_from == NOTHING)
    figures = _verify(trainer) if first else None  # of weights that the checkpoint's are about to replace
    if checkpoint is not None:
        trainer.restore(checkpoint)
    if written.damaged:
        trainer.report.line(written.words)
    trainer.log.go_on(written, trainer.step)
    trainer.report.line(f"resumed at step {trainer.step:,} of {trainer.total_steps:,}")
    return trainer, figures.as_dict() if figures else untrained


def _are_of(figures: Mapping[str, Any], pairs: TestPairs) -> bool:
    """Whether figures that were written are of as many pairs of each kind."""
    same = pairs.pairs.same
    return (figures.get("genuine"), figures.get("impostor")) == (int(same.sum()), int((~same).sum()))


def _opened(settings: RunSettings, out: Path, console: Console | None, *, fresh: bool = True) -> Trainer:
    """A trainer with all that it reads open; nothing is written."""
    trainer = Trainer(settings, out, console, fresh=fresh)
    introduce(trainer)
    pairs = trainer.pairs = open_run_pairs(settings, trainer.parts.preprocessing)
    if pairs is not None:
        for line in pairs.pairs.listing.words:
            trainer.report.line(f"{pairs.name}: {line}")
    return trainer


def _verify(trainer: Trainer) -> Verification | None:
    """The figures of the network as it is now, which may have been found at the end of training."""
    if trainer.pairs is None:
        return None
    if trainer.verified and trainer.verified[0] == trainer.step:
        return trainer.verified[1]
    return verify_pairs(trainer.parts, trainer.settings.evaluate, trainer.pairs)


def _run(trainer: Trainer, untrained: dict[str, Any] | None) -> dict[str, Any]:
    """Train to the end in a directory that is claimed, and write the figures down."""
    if left_out := trainer.parts.data.faces.left_out:
        with writing(trainer.run_dir / LEFT_OUT, FULL):
            write_text(trainer.run_dir / LEFT_OUT, "".join(f"{item}\n" for item in left_out))
    if untrained is not None and untrained != trainer.log.past.untrained:
        trainer.log.write({"event": "untrained", "step": 0, "verification": untrained})
    trainer.fit()
    return _conclude(trainer, untrained)


def _conclude(trainer: Trainer, untrained: dict[str, Any] | None) -> dict[str, Any]:
    trained, pairs = _verify(trainer), trainer.pairs
    evaluation = {
        "step": trainer.step,
        "pairs": pairs.name if pairs else None,
        "listed_again": pairs.pairs.listing.again if pairs else None,
        "verification": trained.as_dict() if trained else None,
        "untrained": untrained,
        "best": best_checkpoint(trainer.run_dir),
    }
    with writing(trainer.run_dir / EVALUATION, FULL):
        write_json(trainer.run_dir / EVALUATION, evaluation)
    if trained and pairs:
        for line in table(pairs.name, trained, untrained):
            trainer.report.line(line)
    else:
        trainer.report.line(
            "no verification: the data brings no pairs, or none were asked for (--pairs FILE)"
        )
    trainer.report.line(f"run directory: {trainer.run_dir}")
    return evaluation
