"""Everybody who is told how a run goes: its metrics.jsonl, the console, and observers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from facezoo._cut import SHOWN
from facezoo.benchmarks import Result
from facezoo.data import LeftOut
from facezoo.hooks import load_observers
from facezoo.runs.metrics import MetricsLog
from facezoo.training.course import Course
from facezoo.training.report import Report

if TYPE_CHECKING:
    from rich.console import Console


class Audience:
    """Tells each event to all who want it; what is written comes before what is shown.

    Raises FacezooError where metrics.jsonl cannot be written. Observers are muted where they fail.
    """

    def __init__(self, course: Course, console: Console | None) -> None:
        self.course = course
        self.log = MetricsLog(course.dir)
        self.report = Report(console, course.settings.train.epochs, course.total_steps)
        self.observers = load_observers()
        self._muted_written = 0

    def start(self) -> None:
        """A run begins, or goes on: the untrained network's figures are told where nothing lies behind it."""
        for said in self.observers.train_start(run=self.course.run):
            self.report.line(said)
        untrained = self.log.past.untrained
        if untrained is not None and not self.course.step:
            self.observers.verification_end(run=self.course.run, step=0, figures=untrained["verification"])
        self.note_muted()

    def step(self, metrics: Mapping[str, Any], skipped: Mapping[int, str], names: Sequence[str]) -> None:
        """A step was computed; `skipped` images, numbers into `names`, could not be decoded for it."""
        self.log.write(metrics)
        self._skipped(skipped, names)
        self.report.step(metrics)
        self.observers.step_end(run=self.course.run, step=self.course.step, metrics=metrics)
        self.note_muted()

    def _skipped(self, skipped: Mapping[int, str], names: Sequence[str]) -> None:
        """Write down images that could not be decoded, each when it is met for the first time."""
        said = self.log.past.skipped
        for image, reason in skipped.items():
            path = names[image]
            if path not in said:
                line = {"event": "image skipped", "step": self.course.step, "path": path, "reason": reason}
                self.log.write(line)
                if len(said) <= SHOWN:
                    self.report.line(f"skipped: {LeftOut(path, reason)}")

    def epoch(self, epoch: int, means: Mapping[str, Any], seconds: float) -> None:
        """An epoch ended, which took so many seconds of steps."""
        metrics = {"event": "epoch", "step": self.course.step, "epoch": epoch, **means}
        self.log.write(metrics)
        self.report.epoch(metrics, (self.course.settings.train.epochs - epoch) * seconds)
        self.observers.epoch_end(run=self.course.run, epoch=epoch, metrics=metrics)

    def verification(self, result: Result) -> None:
        """The network was verified after the present step."""
        step, figures = self.course.step, result.figures
        self.log.write({"event": "verification", "step": step, **as_line(result)})
        self.observers.verification_end(run=self.course.run, step=step, figures=figures)
        self.note_muted()

    def end(self) -> None:
        """Training ended, however it did."""
        self.report.stop()
        if skipped := self.log.past.skipped:
            self.report.line(
                f"skipped: {len(skipped):,} images that cannot be decoded; metrics.jsonl has all"
            )
        self.observers.train_end(run=self.course.run)
        try:
            self.note_muted()
        finally:
            self.log.close()

    def note_muted(self) -> None:
        """Write down who was muted since this was asked last."""
        for record in self.observers.muted[self._muted_written :]:
            said = {("during" if key == "event" else key): value for key, value in record.items()}
            self.log.write({"event": "observer muted", "at_step": self.course.step, **said})
        self._muted_written = len(self.observers.muted)


def as_line(result: Result) -> dict[str, Any]:
    """A verification as a line of metrics.jsonl has it: on what, the figure it is ranked by, all figures."""
    return {"on": result.name, "figure": result.main.name, "verification": dict(result.figures)}
