"""The streamed layout for vectors without gradient: value and gradient of the rows in one sweep.

What the gradient of a row still lacks after the sweep is a factor per row (1 / sum exp of a log-sum-exp, the
incoming gradient of a sum), so each term accumulates its own [P, D] and the backward applies its factor: two
matrix products per block instead of three.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from facezoo.engine.streamed.plan import Plan, PlannedRows, PlannedTerm, Product
from facezoo.engine.streamed.products import Matmul, Precision
from facezoo.engine.streamed.sweep import Met, Sweep, results


class _Unscaled:
    """A term's gradients before its factor: of its rows [P, D], and of each wanted argument [P], summed over
    classes.
    """

    def __init__(
        self, product: Product, rows: PlannedRows, term: PlannedTerm, wanted: Sequence[bool]
    ) -> None:
        width = rows.high - rows.low
        self.rows = product.units.new_zeros(width, product.units.shape[1])
        self.args = [product.units.new_zeros(width) if wanted[slot] else None for slot in term.slots]

    def fade(self, factor: Tensor | None) -> None:
        """Follow a running maximum that has risen."""
        if factor is not None:
            self.rows *= factor[:, None]
            for part in self.args:
                if part is not None:
                    part.mul_(factor)

    def add(self, number: int, grad: Tensor) -> None:
        part = self.args[number]
        assert part is not None
        part += grad.sum(0)


class OneSweep(torch.autograd.Function):
    """Values, and the rows' gradients up to a factor, in the forward."""

    @staticmethod
    def forward(ctx: Any, plan: Plan, precision: Precision, *inputs: Tensor) -> tuple[Tensor, ...]:
        ctx.plan, ctx.wanted = plan, ctx.needs_input_grad[2:]
        with precision.applied(plan.weight) as matmul:
            ctx.unscaled = _Forward(plan, inputs, matmul, ctx.wanted).run()
        return results(ctx, plan)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        plan: Plan = ctx.plan
        totals = [
            torch.zeros_like(part) if want else None
            for part, want in zip(plan.inputs, ctx.wanted, strict=True)
        ]
        for _, rows, term in plan.each_term():
            unscaled = ctx.unscaled.get(term.result)
            if unscaled is not None:
                _scale(rows, term, unscaled, term.reduction.factor(grads[term.result]), totals)
        return None, None, *totals


class _Forward(Sweep):
    """The sweep: values into the reductions, gradients into one `_Unscaled` per term."""

    def __init__(self, plan: Plan, inputs: Sequence[Tensor], matmul: Matmul, wanted: Sequence[bool]) -> None:
        super().__init__(plan, inputs, matmul)
        self.wanted = wanted
        self.unscaled: dict[int, _Unscaled] = {}

    def run(self) -> dict[int, _Unscaled]:
        self.begin()
        for product, rows, term in self.plan.each_term():
            if term.reduction.differentiable:
                self.unscaled[term.result] = _Unscaled(product, rows, term, self.wanted)
        for product in self.plan.products:
            logits, scratch = self.workspace(product), self.workspace(product)
            for met in self.met(product):
                cells, spare = logits[: len(met.block)], scratch[: len(met.block)]
                for rows in product.rows:
                    for term in rows.terms:
                        self._absorb(met, rows, term, rows.of(cells), rows.of(spare))
        return self.unscaled

    def _absorb(self, met: Met, rows: PlannedRows, term: PlannedTerm, out: Tensor, spare: Tensor) -> None:
        block, unscaled, reduction = met.block, self.unscaled.get(term.result), term.reduction
        wanted = [] if unscaled is None else [part is not None for part in unscaled.args]
        pull = term.logits.linearise(rows.of(met.best), term.arguments(self.inputs, block), wanted, out)
        self.exclude(rows, block, out, reduction.excluded)
        fade = reduction.absorb(out, block.low, block.high, spare)
        if unscaled is None:
            return
        unscaled.fade(fade)
        grad = pull(self.slope(rows, term, block, out), unscaled.add)
        chosen = None if met.chosen is None else rows.of(met.chosen)
        met.operand.to_rows(met.operand.spread(grad, chosen), unscaled.rows, self.matmul)


def _scale(
    rows: PlannedRows, term: PlannedTerm, unscaled: _Unscaled, factor: Tensor, totals: list[Tensor | None]
) -> None:
    """Add a term's gradients, times its factor, to those of its inputs."""
    by_row = factor.expand(len(unscaled.rows))
    rows_total = totals[rows.slot]
    if rows_total is not None:
        rows_total += unscaled.rows * by_row[:, None]
    for slot, argument, part in zip(term.slots, term.logits.arguments, unscaled.args, strict=True):
        total = totals[slot]
        if part is not None and total is not None:
            total += part * by_row if argument.axis == "row" else (part * by_row).sum()
