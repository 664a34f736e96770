"""Writes what a run measures to `RUN/tensorboard/`, where TensorBoard shows it as curves.

All curves are over optimiser steps. What a crash left behind the step at which a run is resumed is purged, so
that no step appears twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from facezoo.hooks import hookimpl
from facezoo_tensorboard.event_file import EventFile

if TYPE_CHECKING:
    from facezoo.training import Run

FOLDER: Final = "tensorboard"
NOT_CURVES: Final = {"step", "epoch", "genuine", "impostor", "majority"}
"""Numbers in metrics that say where a run stands, or that never change."""


class TensorBoard:
    """The observer: one event file from `train_start` to `train_end`."""

    def __init__(self) -> None:
        self._file: EventFile | None = None

    @hookimpl
    def train_start(self, run: Run) -> str:
        """Open a file that replaces all from the next step on (from step 0 where nothing lies behind)."""
        self._file = EventFile(run.dir / FOLDER, purge_from=run.step + 1 if run.step else 0)
        return f"TensorBoard events: {run.dir / FOLDER}"

    @hookimpl
    def step_end(self, step: int, metrics: Mapping[str, object]) -> None:
        """The loss, its terms, the learning rate and whatever else the step measured."""
        self._write("step", step, metrics)

    @hookimpl
    def epoch_end(self, run: Run, metrics: Mapping[str, object]) -> None:
        """The epoch's means, and what the head says about itself, at the epoch's last step."""
        self._write("epoch", run.step, metrics)

    @hookimpl
    def verification_end(self, step: int, figures: Mapping[str, object]) -> None:
        """The rates, as fractions."""
        self._write("verification", step, figures)

    @hookimpl
    def train_end(self) -> None:
        """Close the file, if one is open."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _write(self, group: str, step: int, metrics: Mapping[str, object]) -> None:
        assert self._file is not None, "no event comes before train_start"
        curves = {name: value for name, value in metrics.items() if name not in NOT_CURVES}
        self._file.write(step, scalars(group, curves))


def scalars(group: str, metrics: Mapping[str, object]) -> dict[str, float]:
    """The numbers in `metrics` by tag, as in `step/terms/margin`; what is no number is left out."""
    found: dict[str, float] = {}
    for name, value in metrics.items():
        if isinstance(value, Mapping):
            found |= scalars(f"{group}/{name}", value)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            found[f"{group}/{name}"] = float(value)
    return found
