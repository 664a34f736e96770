"""What a run says while it goes on: a progress bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

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

    def line(self, text: str) -> None:
        """Print one line as it is."""
        if self.console is not None:
            self.console.print(text, markup=False, highlight=False, soft_wrap=True)

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
        self.progress.start()

    def step(self, metrics: Mapping[str, Any]) -> None:
        """Show the latest step."""
        if self.progress is not None:
            text = "epoch {epoch}  loss {loss:.4f}  {images_per_second:,.0f} images/s".format_map(
                dict(metrics)
            )
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

    def verification(self, step: int, accuracy: float, *, best: bool) -> None:
        """Print what a verification during training gave."""
        text = f"verified after {step:,} steps: accuracy {100 * accuracy:.2f} %"
        self.line(f"{text}, the best so far" if best else text)

    def stop(self) -> None:
        """Take the progress bar away."""
        if self.progress is not None:
            self.progress.stop()
            self.progress = None


def clock(seconds: float) -> str:
    """Seconds as h:mm:ss or m:ss."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
