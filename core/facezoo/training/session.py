"""A whole run: directory, training, evaluation, figures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from facezoo.benchmarks import PairsBenchmark
from facezoo.benchmarks.running import open_images
from facezoo.disk.durable import write_json, write_text
from facezoo.runs.claim import claim
from facezoo.runs.directory import (
    LEFT_OUT,
    begin,
    check_directory,
    config_of,
    refuse_claimed,
    refuse_run,
    writing,
)
from facezoo.runs.metrics import Past
from facezoo.runs.offered import require_head
from facezoo.runs.places import EVALUATION, latest_checkpoint
from facezoo.runs.verified import best_checkpoint, read_metadata
from facezoo.runs.written import read_written
from facezoo.settings import RunSettings, resolve
from facezoo.training.audience import as_line
from facezoo.training.initial import NOTHING
from facezoo.training.inputs import open_to_verify
from facezoo.training.introduction import introduce, table
from facezoo.training.trainer import Trainer

if TYPE_CHECKING:
    from rich.console import Console

Line = Mapping[str, Any]
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
    untrained = _measured(trainer)
    with begin(out, settings) as taken_over:
        if taken_over:
            said = f"{out}: a start that failed before its first step lay there; it is replaced"
            trainer.audience.report.line(said)
        return _run(trainer, untrained)


def resume(out: Path, console: Console | None = None) -> dict[str, Any]:
    """Go on with the run in directory `out`, with the settings in its resolved.toml; see `train`."""
    check_directory(out)
    config = config_of(out)
    with claim(out):  # from here on nobody else drops the checkpoint that is looked at
        if checkpoint := latest_checkpoint(out):
            require_head(checkpoint, read_metadata(checkpoint))
        return _go_on(resolve(config), out, console)


def _go_on(settings: RunSettings, out: Path, console: Console | None) -> dict[str, Any]:
    """Go on with the run in a directory that is claimed."""
    return _run(*_restored(settings, out, console))


def _restored(settings: RunSettings, out: Path, console: Console | None) -> tuple[Trainer, Line | None]:
    """A trainer where the run was saved last, and the figures of the untrained network, where known.

    The directory is changed only once everything has been looked at.
    """
    checkpoint, written = latest_checkpoint(out), read_written(out)
    best_checkpoint(out)  # a damaged one would stop the run at its next save
    trainer = _opened(settings, out, console, fresh=checkpoint is None)
    verifier, audience, untrained = trainer.verifier, trainer.audience, Past.of(written.lines).untrained
    if untrained and verifier and not verifier.made(untrained):
        untrained = None  # [evaluate] names something else by now
    if untrained is None and (checkpoint is None or settings.train.init_from == NOTHING):
        untrained = _measured(trainer)  # of weights that the checkpoint's are about to replace
    if checkpoint is not None:
        trainer.restore(checkpoint)
    if written.damaged:
        audience.report.line(written.words)
    course = trainer.course
    audience.log.go_on(written, course.step)
    audience.report.line(f"resumed at step {course.step:,} of {course.total_steps:,}")
    return trainer, untrained


def _opened(settings: RunSettings, out: Path, console: Console | None, *, fresh: bool = True) -> Trainer:
    """A trainer with all that it reads open; nothing is written."""
    trainer = Trainer(settings, out, console, fresh=fresh)
    introduce(trainer)
    contract, data = trainer.parts.preprocessing, settings.data
    if benchmark := open_to_verify(settings, contract):
        trainer.verify_on(benchmark, open_images(benchmark, contract, data.memory_mib * 2**20, data.cache))
        for line in benchmark.remarks:
            trainer.audience.report.line(line)
    return trainer


def _measured(trainer: Trainer) -> Line | None:
    """The network as it is now, as a line says it."""
    return as_line(trainer.verifier.measure()) if trainer.verifier else None


def _run(trainer: Trainer, untrained: Line | None) -> dict[str, Any]:
    """Train to the end in a directory that is claimed, and write the figures down."""
    out, log = trainer.course.dir, trainer.audience.log
    if left_out := trainer.parts.data.faces.left_out:
        with writing(out / LEFT_OUT, FULL):
            write_text(out / LEFT_OUT, "".join(f"{item}\n" for item in left_out))
    figures, past = untrained and untrained["verification"], log.past.untrained
    if untrained and (past is None or past["verification"] != figures):
        log.write({"event": "untrained", "step": 0, **untrained})
    trainer.fit()
    return _conclude(trainer, figures)


def _conclude(trainer: Trainer, untrained: Line | None) -> dict[str, Any]:
    verifier, report, out = trainer.verifier, trainer.audience.report, trainer.course.dir
    result, benchmark = (verifier.result(), verifier.benchmark) if verifier else (None, None)
    again = benchmark.pairs.listing.again if isinstance(benchmark, PairsBenchmark) else None
    evaluation = {
        "step": trainer.course.step,
        "pairs": benchmark.name if benchmark else None,
        "listed_again": again,
        "figure": result.main.name if result else None,
        "verification": dict(result.figures) if result else None,
        "untrained": untrained,
        "best": best_checkpoint(out),
    }
    with writing(out / EVALUATION, FULL):
        write_json(out / EVALUATION, evaluation)
    if result:
        for line in table(result.name, result.main, result.figures, untrained):
            report.line(line)
    else:
        report.line("no verification: the data brings no pairs, or none were asked for (--pairs FILE)")
    report.line(f"run directory: {out}")
    return evaluation
