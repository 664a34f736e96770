"""The streamed layout: reductions over blocks of classes, and their gradients, without a B x C matrix.

Vectors that learn take two sweeps: the first accumulates the values, the second has what it needs to turn
each block's logits into gradients, from cosines that were kept or are computed again. Vectors without
gradient, a memory, take one: the rows' gradient is accumulated up to a factor a row, which the backward
applies.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from facezoo.engine.scores import Term
from facezoo.engine.streamed.onesweep import OneSweep
from facezoo.engine.streamed.operands import Block, MappedBlock
from facezoo.engine.streamed.plan import Group, Place, Span, Sweep, View
from facezoo.engine.streamed.products import Precision, Products


def reduce_streamed(terms: Sequence[Term], block_elements: int | None, precision: Precision) -> list[Tensor]:
    """The values of `terms`, differentiable once."""
    sweep = Sweep(terms, block_elements, precision)
    if torch.is_grad_enabled() and not sweep.needs_two_sweeps:
        return list(OneSweep.apply(sweep, *sweep.inputs))
    token = sweep.weight.new_zeros(()) if sweep.sink is None else sweep.sink.token
    return list(TwoSweeps.apply(sweep, token, *sweep.inputs))


class TwoSweeps(torch.autograd.Function):
    """Values in the forward, gradients block by block in the backward. `token` stands for the class
    vectors.
    """

    @staticmethod
    def forward(ctx: Any, sweep: Sweep, token: Tensor, *inputs: Tensor) -> tuple[Tensor, ...]:
        kept = _room(sweep) if ctx.needs_input_grad[1] else None
        with sweep.precision.applied(sweep.weight) as products:
            _accumulate(sweep, inputs, kept, products)
        ctx.sweep = sweep
        # The weight is saved for its version: a step between forward and backward is then an error.
        ctx.save_for_backward(sweep.weight, *inputs)
        return sweep.results(ctx)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        sweep: Sweep = ctx.sweep
        _, *inputs = ctx.saved_tensors
        wanted = ctx.needs_input_grad[2:]
        with sweep.precision.applied(sweep.weight) as products:
            totals = _Backward(sweep, inputs, grads, wanted, products).run()
        return None, sweep.weight.new_zeros(()), *totals


def _room(sweep: Sweep) -> Tensor | None:
    """Where the forward may leave its cosines for the backward; a mapping's are computed again."""
    if sweep.sink is None or not sweep.trains or any(group.mapping for group in sweep.groups):
        return None
    return sweep.sink.keep(sweep, sweep.groups[0].width)


def _accumulate(sweep: Sweep, inputs: Sequence[Tensor], kept: Tensor | None, products: Products) -> None:
    sweep.begin(inputs)
    for group in sweep.groups:
        room = sweep.workspace(group.width, sweep.subcentres) if kept is None else kept
        logits, scratch = sweep.workspace(group.width), sweep.workspace(group.width)
        for span in sweep.spans:
            block = group.block(sweep, inputs, span)
            stored = room[sweep.rows(span)] if kept is not None else room[: len(span) * sweep.subcentres]
            cos = sweep.best_cosines(group, block, span, block.cosines(group.units.T, stored, products))
            for view in group.views:
                out, spare = view.of(logits[: len(span)]), view.of(scratch[: len(span)])
                for place in view.places:
                    values = sweep.logits(view, place, span, view.of(cos), inputs, out)
                    place.reduction.absorb(values, span.low, span.high, spare)


class _Backward:
    """The second sweep: gradients of all inputs into `totals`, and those of the class vectors into the
    sink.
    """

    def __init__(
        self,
        sweep: Sweep,
        inputs: Sequence[Tensor],
        grads: Sequence[Tensor],
        wanted: Sequence[bool],
        products: Products,
    ) -> None:
        self.sweep, self.inputs, self.products, self.wanted = sweep, inputs, products, wanted
        rows = {view.slot for group in sweep.groups for view in group.views}
        self.totals = [
            torch.zeros_like(part) if want and slot not in rows else None
            for slot, (part, want) in enumerate(zip(inputs, wanted, strict=True))
        ]
        self.factors = [
            term.reduction.factor(grad) if term.reduction.differentiable else None
            for term, grad in zip(sweep.terms, grads, strict=True)
        ]
        self.vectors, self.empty, self.kept = None, False, None
        if sweep.learns and sweep.sink is not None:
            holds = sweep.sink.kept(sweep)
            self.vectors, self.empty = sweep.sink.begin(sweep)
            self.kept = self.vectors[:, : sweep.groups[0].width] if holds else None

    def run(self) -> list[Tensor | None]:
        for group in self.sweep.groups:
            self._run(group)
            self.empty = False
        return self.totals

    def _run(self, group: Group) -> None:
        sweep = self.sweep
        moved = [view for view in group.views if self.wanted[view.slot]]
        rows_total = torch.zeros_like(group.units) if moved else None
        room = sweep.workspace(group.width, sweep.subcentres) if self.kept is None else None
        grads, spare = sweep.workspace(group.width), sweep.workspace(group.width)
        for span in sweep.spans:
            block = group.block(sweep, self.inputs, span)
            cos = self._cosines(group, block, span, room)
            best = sweep.best_cosines(group, block, span, cos)
            grad = grads[: len(span)]
            for view in group.views:
                self._pull(view, span, view.of(best), view.of(grad), view.of(spare[: len(span)]))
            self._push(group, block, span, block.spread(grad), cos, rows_total)
        for view in moved:
            assert rows_total is not None
            self.totals[view.slot] = rows_total[view.low : view.high]

    def _cosines(self, group: Group, block: Block | MappedBlock, span: Span, room: Tensor | None) -> Tensor:
        if self.kept is not None:
            return self.kept[self.sweep.rows(span)]
        assert room is not None
        return block.cosines(group.units.T, room[: len(span) * self.sweep.subcentres], self.products)

    def _pull(self, view: View, span: Span, cos: Tensor, grad: Tensor, spare: Tensor) -> None:
        """The gradient [c, P] of a view's cosines, into `grad`."""
        out, first = grad, True
        for place in view.places:
            factor = self.factors[place.result]
            if factor is None:
                continue
            to_cos = self._pull_place(view, place, span, cos, factor, out)
            if not first:
                grad += to_cos
            elif to_cos is not grad:
                grad.copy_(to_cos)
            out, first = spare, False
        if first:
            grad.zero_()

    def _pull_place(
        self, view: View, place: Place, span: Span, cos: Tensor, factor: Tensor, out: Tensor
    ) -> Tensor:
        args = place.arguments(self.inputs, span)
        pull = place.logits.linearise(cos, args, [self.wanted[slot] for slot in place.slots], out)
        self.sweep.exclude(view, span, out, place.reduction.excluded)
        slope = self.sweep.slope(view, place, span, out).mul_(factor)

        def add(number: int, grad: Tensor) -> None:
            total = self.totals[place.slots[number]]
            assert total is not None
            place.logits.arguments[number].sum_into(total, grad, span.low, span.high)

        return pull(slope, add)

    def _push(
        self,
        group: Group,
        block: Block | MappedBlock,
        span: Span,
        grad: Tensor,
        cos: Tensor,
        rows_total: Tensor | None,
    ) -> None:
        if rows_total is not None:
            block.to_rows(grad, rows_total, self.products)
        parts = [self._slice(slot, span) for slot in group.mapping_slots]
        into = None if self.vectors is None else self.vectors[self.sweep.rows(span)]
        if any(part is not None for part in [into, *parts]):
            block.to_vectors(grad, cos, group.units, into, self.empty, parts, self.products)

    def _slice(self, slot: int, span: Span) -> Tensor | None:
        total = self.totals[slot]
        return None if total is None else total[span.low : span.high]
