"""Where a run stands."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from facezoo.runs.run import Run
from facezoo.settings import RunSettings


@dataclass
class Course:
    """A run's directory and settings, and how far it has come.

    `step` counts optimiser steps from 0. With `steps_per_epoch` it says which epoch and batch come next, so
    nothing else needs to be remembered, and a checkpoint may lie anywhere.
    """

    dir: Path
    settings: RunSettings
    steps_per_epoch: int
    step: int = 0

    @property
    def total_steps(self) -> int:
        """The steps of the whole run."""
        return self.steps_per_epoch * self.settings.train.epochs

    @property
    def at_end(self) -> bool:
        """Whether the last step lies behind it."""
        return self.step == self.total_steps

    @property
    def run(self) -> Run:
        """What observers are shown."""
        return Run(self.dir, self.settings, self.step, self.step // self.steps_per_epoch)

    def now(self) -> str:
        """The step that is being computed, in words."""
        epoch, batch = divmod(self.step, self.steps_per_epoch)
        return f"step {self.step + 1} (epoch {epoch + 1}, batch {batch + 1} of {self.steps_per_epoch})"
