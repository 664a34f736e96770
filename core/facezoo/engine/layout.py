"""The ways to compute reductions over the other classes. Heads do not know which one runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from torch import Tensor

from facezoo.engine.classes import ClassMemory, Prototypes
from facezoo.engine.dense import reduce_dense
from facezoo.engine.scores import Term
from facezoo.engine.sink import GradientBuffer, GradientSink
from facezoo.engine.streamed.products import Precision
from facezoo.engine.streamed.twosweeps import reduce_streamed
from facezoo.engine.vectors import ClassVectors
from facezoo.errors import FacezooError


class Layout(Protocol):
    """Makes sets of class vectors and computes terms against them."""

    def learned(self, prototypes: Prototypes) -> ClassVectors: ...

    def remembered(self, memory: ClassMemory) -> ClassVectors: ...

    def reduce(self, terms: Sequence[Term]) -> list[Tensor]: ...


class Dense:
    """Plain autograd over the whole B x C matrix: the reference, and good for small problems."""

    def learned(self, prototypes: Prototypes) -> ClassVectors:
        return ClassVectors(self, prototypes.weight)

    def remembered(self, memory: ClassMemory) -> ClassVectors:
        return ClassVectors(self, memory.rows, seen=memory.seen)

    def reduce(self, terms: Sequence[Term]) -> list[Tensor]:
        return reduce_dense(terms)


class Streamed:
    """Block by block over the classes, never a B x C matrix.

    `block_elements` bounds the cosines of one block (None: fit for the device); `buffer`, the trainer's
    opt-in, is where the gradient of the prototypes lives and where cosines are kept between the passes.
    """

    def __init__(
        self,
        block_elements: int | None = None,
        precision: Precision | None = None,
        buffer: GradientBuffer | None = None,
    ) -> None:
        self.block_elements, self.precision, self.buffer = block_elements, precision or Precision(), buffer

    def learned(self, prototypes: Prototypes) -> ClassVectors:
        return ClassVectors(self, prototypes.weight, sink=GradientSink(prototypes.weight, self.buffer))

    def remembered(self, memory: ClassMemory) -> ClassVectors:
        return ClassVectors(
            self, memory.rows, seen=None if bool(memory.seen.all()) else memory.seen, units=True
        )

    def reduce(self, terms: Sequence[Term]) -> list[Tensor]:
        return reduce_streamed(terms, self.block_elements, self.precision)


def make_layout(name: str, matmul_precision: str = "float32") -> Dense | Streamed:
    """The layout of a name; raises `FacezooError` for an unknown one."""
    if name == "streamed":
        return Streamed(precision=Precision(matmul_precision))
    if name != "dense":
        raise FacezooError(f"layout: {name!r} is unknown", "choose 'streamed' or 'dense'")
    if matmul_precision != "float32":
        raise FacezooError(
            f"matmul_precision: layout 'dense' computes in float32, not {matmul_precision}",
            "it is the reference; choose layout 'streamed'",
        )
    return Dense()
