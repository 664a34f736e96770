"""What a run says while it goes on: a progress bar on a terminal, plain lines elsewhere.

A run does not fail because nobody can hear it. Where its reader has gone (`| head`) it is asked to stop, as
other programs do there; where output fails otherwise (a terminal that is gone, a full disk) it goes on
without.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from facezoo._words import first_line, printable_lines
from facezoo.benchmarks import Main
from facezoo.table import number
from facezoo.training.interrupt import PIPE

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress


class Report:
    """Prints to a rich console; says nothing without one."""

    def __init__(self, console: Console | None, epochs: int, total_steps: int) -> None:
        self.console = console
        self.epochs = epochs
        self.total_steps = total_steps
        self.progress: Progress | None = None
        self.closed = False
        """Whether the reader of what is printed has gone."""
        self._stop: Callable[[int], None] | None = None

    def when_closed(self, stop: Callable[[int], None]) -> None:
        """Call `stop` with SIGPIPE once the reader has gone; at once where that was before."""
        self._stop = stop
        if self.closed:
            stop(PIPE)

    def line(self, text: str) -> None:
        """Print a line, or several, as it is, but for what a terminal would obey."""
        if self.console is not None:
            with self._heard():
                said = printable_lines(text)  # names may be like markup or an emoji (":key:")
                self.console.print(said, markup=False, emoji=False, highlight=False, soft_wrap=True)

    def start(self, step: int) -> None:
        """Begin to show progress, with `step` steps done."""
        if self.console is None or not self.console.is_terminal:
            return
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        description = TextColumn("{task.description}")
        remaining = TimeRemainingColumn(compact=True)
        columns = (description, BarColumn(), MofNCompleteColumn(), TextColumn("steps, left"), remaining)
        self.progress = Progress(*columns, console=self.console, transient=True)
        self.progress.add_task("training", total=self.total_steps, completed=step)
        with self._heard():
            self.progress.start()

    def step(self, metrics: Mapping[str, Any]) -> None:
        """Show the latest step."""
        if self.progress is not None:
            text = "epoch {epoch}  loss {loss:.4f}  {images_per_second:,.0f} images/s".format_map(
                dict(metrics)
            )
            with self._heard():
                self.progress.update(self.progress.task_ids[0], description=text, completed=metrics["step"])

    def epoch(self, metrics: Mapping[str, Any], seconds_left: float) -> None:
        """Print an epoch's means, unless a progress bar shows them already, and the head's own figures."""
        if self.progress is None:
            template = (
                "epoch {epoch}/{epochs}  loss {loss:.4f}  lr {lr:.2g}  {images_per_second:,.0f} images/s"
            )
            text = template.format_map({**metrics, "epochs": self.epochs})
            self.line(f"{text}  {clock(seconds_left)} left")
        if figures := metrics.get("head"):
            said = ", ".join(f"{name} {figure:.4g}" for name, figure in figures.items())
            self.line(f"head after epoch {metrics['epoch']}: {said}")

    def verification(self, step: int, main: Main, *, best: bool) -> None:
        """Print what a verification during training gave."""
        said = f"{main.name} {number(main.value, main.unit)} {main.unit}".rstrip()
        self.line(f"verified after {step:,} steps: {said}{', the best so far' if best else ''}")

    def stop(self) -> None:
        """Take the progress bar away."""
        progress, self.progress = self.progress, None
        if progress is not None:
            with self._heard():
                progress.stop()

    @contextmanager
    def _heard(self) -> Iterator[None]:
        """Print inside the block; after the first failure nothing is printed any more."""
        try:
            yield
        except (OSError, SystemExit) as problem:  # rich makes SystemExit of a closed pipe
            self.console = None
            if _is_closed_pipe(problem):
                self.closed = True
                if self._stop is not None:
                    self._stop(PIPE)
            else:
                what = f"output can no longer be written ({first_line(problem)}); the run goes on without it"
                warnings.warn(what, RuntimeWarning, stacklevel=4)


def _is_closed_pipe(problem: BaseException) -> bool:
    return isinstance(problem, BrokenPipeError) or isinstance(problem.__context__, BrokenPipeError)


def clock(seconds: float) -> str:
    """Seconds as h:mm:ss or m:ss."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
