"""One sweep over the blocks of a plan: what the forward and the backward have in common."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from facezoo.engine.streamed.operands import Operand
from facezoo.engine.streamed.plan import Block, Plan, PlannedRows, PlannedTerm, Product
from facezoo.engine.streamed.products import Matmul


@dataclass(frozen=True, eq=False)
class Met:
    """A block's class vectors, met by the rows of a product."""

    block: Block
    operand: Operand
    cos: Tensor
    """Cosines with every stored vector, [c * K, P]."""
    best: Tensor
    """Cosines with the best vector of each class [c, P], 0 where a row meets its own class."""
    chosen: Tensor | None
    """Which sub-centre is the best, [c, P]; None for one centre per class."""


class Sweep:
    """A pass over the blocks of `plan` for its `inputs`, as autograd hands them over."""

    def __init__(self, plan: Plan, inputs: Sequence[Tensor], matmul: Matmul) -> None:
        self.plan, self.inputs, self.matmul = plan, inputs, matmul

    def begin(self) -> None:
        """Start every reduction and gather the rows."""
        for product in self.plan.products:
            product.gather(self.inputs)
        for term in self.plan.terms:
            rows, like = term.rows.units, self.plan.weight
            term.reduction.begin(len(rows), self.plan.classes, like, term.logits.bound())

    def met(self, product: Product, kept: Tensor | None = None, *, known: bool = False) -> Iterator[Met]:
        """The blocks one after the other, with their cosines.

        Cosines lie in `kept` [C * K, P], where they stay, or else in a buffer that the next block overwrites.
        With `known` they are there already.
        """
        plan = self.plan
        room = self.workspace(product, plan.subcentres) if kept is None else kept
        for block in plan.blocks:
            operand = plan.operand(product, block, self.inputs)
            cos = room[: len(block) * plan.subcentres] if kept is None else room[plan.stored(block)]
            if not known:
                operand.cosines(product.units.T, cos, self.matmul)
            best, chosen = operand.best(cos)
            # Replaced before any function sees them: one with an infinite slope at cos = 1 would give
            # 0 * inf.
            for rows in product.rows:
                rows.of(best)[rows.own(block)] = 0.0
            yield Met(block, operand, cos, best, chosen)

    def workspace(self, product: Product, vectors: int = 1) -> Tensor:
        """A buffer for one value of each of `vectors` vectors of every class of a block and every row of a
        product.
        """
        return self.plan.weight.new_empty(self.plan.size * vectors, product.width)

    def exclude(self, rows: PlannedRows, block: Block, cells: Tensor, value: float) -> Tensor:
        """Put `value` into `cells` [c, P] where a row meets its own class, or a class was never seen."""
        cells[rows.own(block)] = value
        if self.plan.unseen is not None:
            cells.masked_fill_(self.plan.unseen[block.low : block.high, None], value)
        return cells

    def slope(self, rows: PlannedRows, term: PlannedTerm, block: Block, logits: Tensor) -> Tensor:
        """The slope of a term's value in its logits [c, P], overwriting them, up to the factor per row."""
        slope = term.reduction.slope(logits, block.low, block.high)
        return self.exclude(rows, block, slope, 0.0) if term.reduction.excluded == 0 else slope


def results(ctx: Any, plan: Plan) -> tuple[Tensor, ...]:
    """The values of all terms, those without gradient marked as such."""
    values = [term.reduction.value() for term in plan.terms]
    fixed = [
        value for value, term in zip(values, plan.terms, strict=True) if not term.reduction.differentiable
    ]
    ctx.mark_non_differentiable(*fixed)
    return tuple(values)
