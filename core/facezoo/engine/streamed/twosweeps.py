"""The streamed layout: reductions over blocks of classes, and their gradients, without a B x C matrix.

Vectors that learn take two sweeps: the first accumulates the values, the second has what it needs to turn
each block's logits into gradients, from cosines that were kept or are computed again. Vectors without
gradient, a memory, take one: the rows' gradient is accumulated up to a factor per row, which the backward
applies.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from facezoo.engine.streamed.onesweep import OneSweep
from facezoo.engine.streamed.plan import Block, Plan, PlannedRows, PlannedTerm, Product
from facezoo.engine.streamed.products import Matmul, Precision
from facezoo.engine.streamed.sweep import Met, Sweep, results
from facezoo.engine.terms import Term


def reduce_streamed(terms: Sequence[Term], block_elements: int | None, precision: Precision) -> list[Tensor]:
    """The values of `terms`, differentiable once."""
    plan = Plan(terms, block_elements)
    if torch.is_grad_enabled() and not plan.needs_two_sweeps:
        return list(OneSweep.apply(plan, precision, *plan.inputs))
    token = plan.weight.new_zeros(()) if plan.sink is None else plan.sink.token
    keeps = plan.sink is not None and torch.is_grad_enabled()
    return list(TwoSweeps.apply(plan, precision, keeps, token, *plan.inputs))


class TwoSweeps(torch.autograd.Function):
    """Values in the forward, gradients block by block in the backward. `token` stands for the class vectors,
    and `keeps` says that cosines may be kept in their sink.
    """

    @staticmethod
    def forward(
        ctx: Any, plan: Plan, precision: Precision, keeps: bool, token: Tensor, *inputs: Tensor
    ) -> tuple[Tensor, ...]:
        kept = _room(plan) if keeps and ctx.needs_input_grad[3] else None
        with precision.applied(plan.weight) as matmul:
            _Values(plan, inputs, matmul).run(kept)
        ctx.plan, ctx.precision = plan, precision
        # The weight is saved for its version: a step between forward and backward is then an error.
        ctx.save_for_backward(plan.weight, *inputs)
        return results(ctx, plan)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        plan: Plan = ctx.plan
        _, *inputs = ctx.saved_tensors
        with ctx.precision.applied(plan.weight) as matmul:
            totals = _Gradients(plan, inputs, matmul, grads, ctx.needs_input_grad[4:]).run()
        return None, None, None, plan.weight.new_zeros(()), *totals


def _room(plan: Plan) -> Tensor | None:
    """Where the forward may leave its cosines for the backward; a map's are computed again."""
    if plan.sink is None or any(product.mapping for product in plan.products):
        return None
    return plan.sink.keep(plan, plan.products[0].width)


class _Values(Sweep):
    """The first sweep: logits into the reductions."""

    def run(self, kept: Tensor | None) -> None:
        self.begin()
        for product in self.plan.products:
            logits, scratch = self.workspace(product), self.workspace(product)
            for met in self.met(product, kept):
                cells, spare = logits[: len(met.block)], scratch[: len(met.block)]
                for rows in product.rows:
                    for term in rows.terms:
                        self._absorb(met, rows, term, rows.of(cells), rows.of(spare))

    def _absorb(self, met: Met, rows: PlannedRows, term: PlannedTerm, out: Tensor, spare: Tensor) -> None:
        block = met.block
        term.logits.value(rows.of(met.best), term.arguments(self.inputs, block), out)
        self.exclude(rows, block, out, term.reduction.excluded)
        term.reduction.absorb(out, block.low, block.high, spare)


class _Gradients(Sweep):
    """The second sweep: gradients of all inputs into `totals`, and those of the class vectors into the
    sink.
    """

    def __init__(
        self,
        plan: Plan,
        inputs: Sequence[Tensor],
        matmul: Matmul,
        grads: Sequence[Tensor],
        wanted: Sequence[bool],
    ) -> None:
        super().__init__(plan, inputs, matmul)
        self.wanted = wanted
        rows = {rows.slot for product in plan.products for rows in product.rows}
        self.totals = [
            torch.zeros_like(part) if want and slot not in rows else None
            for slot, (part, want) in enumerate(zip(inputs, wanted, strict=True))
        ]
        self.factors = [
            term.reduction.factor(grad) if term.reduction.differentiable else None
            for term, grad in zip(plan.terms, grads, strict=True)
        ]
        self.vectors, self.empty, self.kept = None, False, None
        if plan.learns and plan.sink is not None:
            holds = plan.sink.kept(plan)
            self.vectors, self.empty = plan.sink.begin(plan)
            self.kept = self.vectors[:, : plan.products[0].width] if holds else None

    def run(self) -> list[Tensor | None]:
        for product in self.plan.products:
            self._run(product)
            self.empty = False
        return self.totals

    def _run(self, product: Product) -> None:
        moved = [rows for rows in product.rows if self.wanted[rows.slot]]
        rows_total = torch.zeros_like(product.units) if moved else None
        grads, spare = self.workspace(product), self.workspace(product)
        for met in self.met(product, self.kept, known=self.kept is not None):
            grad = grads[: len(met.block)]
            for rows in product.rows:
                self._pull(rows, met.block, rows.of(met.best), rows.of(grad), rows.of(spare[: len(grad)]))
            self._push(product, met, met.operand.spread(grad, met.chosen), rows_total)
        for rows in moved:
            assert rows_total is not None
            self.totals[rows.slot] = rows_total[rows.low : rows.high]

    def _pull(self, rows: PlannedRows, block: Block, cos: Tensor, grad: Tensor, spare: Tensor) -> None:
        """The gradient [c, P] of the rows' cosines, into `grad`."""
        out, first = grad, True
        for term in rows.terms:
            factor = self.factors[term.result]
            if factor is None:
                continue
            to_cos = self._pull_term(rows, term, block, cos, factor, out)
            if not first:
                grad += to_cos
            elif to_cos is not grad:
                grad.copy_(to_cos)
            out, first = spare, False
        if first:
            grad.zero_()

    def _pull_term(
        self, rows: PlannedRows, term: PlannedTerm, block: Block, cos: Tensor, factor: Tensor, out: Tensor
    ) -> Tensor:
        wanted = [self.wanted[slot] for slot in term.slots]
        pull = term.logits.linearise(cos, term.arguments(self.inputs, block), wanted, out)
        self.exclude(rows, block, out, term.reduction.excluded)
        slope = self.slope(rows, term, block, out).mul_(factor)

        def add(number: int, grad: Tensor) -> None:
            total = self.totals[term.slots[number]]
            assert total is not None
            term.logits.arguments[number].sum_into(total, grad, block.low, block.high)

        return pull(slope, add)

    def _push(self, product: Product, met: Met, grad: Tensor, rows_total: Tensor | None) -> None:
        """Send the gradient [c * K, P] of a block's products on, to the rows and to the class vectors."""
        if rows_total is not None:
            met.operand.to_rows(grad, rows_total, self.matmul)
        parts = [self._slice(slot, met.block) for slot in product.mapping_slots]
        into = None if self.vectors is None else self.vectors[self.plan.stored(met.block)]
        if any(part is not None for part in [into, *parts]):
            met.operand.to_vectors(grad, met.cos, product.units, into, self.empty, parts, self.matmul)

    def _slice(self, slot: int, block: Block) -> Tensor | None:
        total = self.totals[slot]
        return None if total is None else total[block.low : block.high]
