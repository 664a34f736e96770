"""What a head is told when it is made, and the class tensors that it may ask for."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from facezoo.engine.classes import ClassBuffer, ClassMemory, ClassParameter
from facezoo.errors import FacezooError


@dataclass(frozen=True)
class HeadContext:
    """The problem a head is made for: `classes` C, embedding size `dim` D, the run's `seed`, and, where the
    caller knows them, how many optimiser steps one epoch and the whole run have.
    """

    classes: int
    dim: int
    seed: int = 0
    steps_per_epoch: int | None = None
    total_steps: int | None = None

    def parameter(
        self, init: float, bounds: tuple[float, float] | None = None, decay: bool = False, lr: float = 1.0
    ) -> ClassParameter:
        """A learned number per class, [C] float32, starting at `init`; see `ClassParameter`."""
        return ClassParameter(torch.full((self.classes,), float(init)), bounds, decay, lr)

    def buffer(self, init: float) -> ClassBuffer:
        """A saved, not learned number per class, [C] float32, starting at `init`."""
        return ClassBuffer(torch.full((self.classes,), float(init)))

    def memory(self) -> ClassMemory:
        """An empty memory of one unit vector per class, [C, D]."""
        return ClassMemory(self.classes, self.dim)

    def steps(self, length: float = 0.0, /, *, epochs: float = 0.0, fraction: float = 0.0) -> int:
        """How many optimiser steps are `length` (whole steps or, below 1, a fraction of the run), `epochs`
        epochs and this `fraction` of the run, together.

        `StepsOrFraction` is the type of a setting that holds a `length`. Raises `FacezooError` where the
        answer depends on how long an epoch or the run is, and the caller did not say.
        """
        whole, part = (length, 0.0) if length >= 1 else (0.0, length)
        return round(
            whole
            + _steps(part, self.total_steps, _FRACTIONS, "total_steps", "give the setting in whole steps")
            + _steps(epochs, self.steps_per_epoch, "epochs", "steps_per_epoch", "set it to 0")
            + _steps(fraction, self.total_steps, _FRACTIONS, "total_steps", "set it to 0")
        )


_FRACTIONS = "fractions of the run"


def _steps(amount: float, length: int | None, unit: str, name: str, otherwise: str) -> float:
    if amount == 0:
        return 0.0
    if length is None:
        raise FacezooError(
            f"this head has a setting in {unit} ({amount:g}), and {name} is not known",
            f"pass {name}=... to facezoo.build, or {otherwise}",
        )
    return amount * length
