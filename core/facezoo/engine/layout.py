"""The ways to compute reductions over the other classes. Heads do not know which one runs."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from facezoo.engine.classes import ClassMemory, Prototypes
from facezoo.engine.dense import reduce_dense
from facezoo.engine.sink import GradientBuffer, GradientSink
from facezoo.engine.streamed.products import Precision
from facezoo.engine.streamed.twosweeps import reduce_streamed
from facezoo.engine.terms import Term
from facezoo.engine.vectors import ClassVectors
from facezoo.errors import FacezooError


class Dense:
    """Plain autograd over the whole B x C matrix: the reference, and good for small problems."""

    def vectors(self, source: Prototypes | ClassMemory) -> ClassVectors:
        if isinstance(source, ClassMemory):
            return ClassVectors(source.rows, seen=source.seen)
        return ClassVectors(source.weight)

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

    def vectors(self, source: Prototypes | ClassMemory) -> ClassVectors:
        if isinstance(source, ClassMemory):
            seen = None if bool(source.seen.all()) else source.seen
            return ClassVectors(source.rows, seen=seen, units=True)
        return ClassVectors(source.weight, sink=GradientSink(source.weight, self.buffer))

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
