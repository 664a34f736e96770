"""What a layout computes: reductions of functions of the cosines between rows and class vectors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from facezoo.engine.classes import ClassMemory, ClassTensor, Prototypes
from facezoo.engine.logits import Logits
from facezoo.engine.reductions import Reduction
from facezoo.engine.units import unit
from facezoo.engine.vectors import ClassVectors


@dataclass(frozen=True)
class VectorMap:
    """Class vectors replaced by unit(function(unit vectors [c, D], *parts of class tensors))."""

    function: Callable[..., Tensor]
    tensors: tuple[ClassTensor | ClassMemory, ...]

    def sources(self) -> list[Tensor]:
        """The whole tensors whose parts the function sees: rows [C, D] of a memory, values [C] of a class
        tensor.
        """
        return [part.rows if isinstance(part, ClassMemory) else part.values for part in self.tensors]

    def apply(self, units: Tensor, parts: list[Tensor]) -> Tensor:
        """New unit vectors [c, D]; numbers per class arrive as [c, 1]."""
        shaped = [part[:, None] if part.ndim == 1 else part for part in parts]
        return unit(self.function(units, *shaped))


@dataclass(frozen=True, eq=False)
class Rows:
    """Unit rows [P, D] of classes `labels` [P], and the class vectors that they meet, mapped by `mapping`."""

    vectors: ClassVectors
    units: Tensor
    labels: Tensor
    mapping: VectorMap | None = None


@dataclass(frozen=True, eq=False)
class Term:
    """One reduction of one function of the cosines, to be computed together with others by
    `Scores.reduce`.
    """

    rows: Rows
    logits: Logits
    reduction: Reduction


class Layout(Protocol):
    """A way to compute: makes sets of class vectors, and reduces terms against them."""

    def vectors(self, source: Prototypes | ClassMemory) -> ClassVectors:
        """The learned vectors, or a memory's, for one forward."""
        ...

    def reduce(self, terms: Sequence[Term]) -> list[Tensor]:
        """The values of `terms`, all against the same class vectors, with gradient."""
        ...
