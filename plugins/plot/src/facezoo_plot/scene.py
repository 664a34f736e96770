"""A head in a settled state, and the loss of one embedding at angles to two of its classes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from facezoo.loss import HeadLoss
from facezoo_plot.geometry import AWAY, AXES, geometry, place

NORM = 20.0
"""Of an embedding, where it is not said."""


@dataclass(frozen=True)
class Measured:
    """One embedding's loss by part: values, and derivatives by the angles (radians) to both classes."""

    values: dict[str, float]
    by_own: dict[str, float]
    by_other: dict[str, float]


class Scene:
    """A loss that is measured at angles in degrees; its state stays what it was."""

    def __init__(self, loss: HeadLoss) -> None:
        self.loss = loss
        self._state = {name: tensor.clone() for name, tensor in loss.state_dict().items()}
        self._placed: Tensor | None = None

    def numbers(self) -> dict[str, float]:
        """The head's own single numbers in this state, learned or running, by name."""
        own = {name.removeprefix("head."): value for name, value in self._state.items() if "head." in name}
        return {name: float(value) for name, value in own.items() if _is_number(value)}

    def measure(
        self,
        own: float,
        other: float,
        norm: float = NORM,
        beside: tuple[Tensor, Tensor] | None = None,
        slopes: bool = True,
    ) -> Measured:
        """The loss at angles `own` and `other` in degrees, times the number of rows where there are others
        `beside` the one that is measured: what it contributes, and they.
        """
        direction, tangent, vector = geometry(own, other)
        self._bring(vector)
        row = (norm * direction)[None].requires_grad_(slopes)
        rows, labels = beside or (row[:0].detach(), torch.zeros(0, dtype=torch.int64))
        parts = self._parts(torch.cat([row, rows]), torch.cat([labels.new_zeros(1), labels]))
        count = 1 + len(rows)
        values = {name: count * float(part.detach()) for name, part in parts.items()}
        grads = {name: count * norm * _gradient(part, row) for name, part in parts.items()}
        by_own = {name: float(grad @ tangent) for name, grad in grads.items()}
        return Measured(values, by_own, {name: -float(grad @ AXES[AWAY]) for name, grad in grads.items()})

    def alone(self, rows: Tensor, labels: Tensor) -> dict[str, float]:
        """The mean loss of given rows, by part."""
        return {name: float(part) for name, part in self._parts(rows, labels).items()}

    def _parts(self, rows: Tensor, labels: Tensor) -> dict[str, Tensor]:
        loss = self.loss
        batch = loss.batch(rows, labels)
        parts = loss.head.loss(batch, batch.against(loss.prototypes))
        return {"loss": parts} if isinstance(parts, Tensor) else dict(parts)

    @torch.no_grad()
    def _bring(self, vector: Tensor) -> None:
        """Put the other class where it belongs, in the prototypes and in whatever the head remembers."""
        if self._placed is not None and torch.equal(vector, self._placed):
            return
        self._placed = vector
        vectors, labels = torch.stack([AXES[0], vector]), torch.arange(2)
        if not hasattr(self.loss.head, "after_step"):
            place(self.loss, labels, vectors)
            return
        self.loss.load_state_dict(self._state)
        place(self.loss, labels, vectors)
        self.loss.train()
        self.loss(NORM * vectors, labels)
        self.loss.after_step()
        self.loss.eval()
        for name, tensor in self.loss.state_dict().items():
            if tensor.ndim == 0:  # running statistics: of the run, not of these two rows
                tensor.copy_(self._state[name])


def _is_number(value: Tensor) -> bool:
    return value.ndim == 0 and value.is_floating_point()


def _gradient(part: Tensor, row: Tensor) -> Tensor:
    if not part.requires_grad:
        return torch.zeros_like(row[0])
    (grad,) = torch.autograd.grad(part, row, retain_graph=True, materialize_grads=True)
    return grad[0]
