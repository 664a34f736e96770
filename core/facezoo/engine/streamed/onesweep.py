"""The streamed layout for vectors without gradient: value and gradient of the rows in one sweep.

What the gradient of a row still lacks after the sweep is a factor a row (1 / sum exp of a log-sum-exp, the
incoming gradient of a sum), so each term accumulates its own [P, D] and the backward applies its factor: two
matrix products a block instead of three.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from facezoo.engine.streamed.operands import Block, MappedBlock
from facezoo.engine.streamed.plan import Group, Place, Span, Sweep, View
from facezoo.engine.streamed.products import Products


class _Unscaled:
    """A term's gradients before its factor: of its rows [P, D], and of each wanted argument [P], summed over
    classes.
    """

    def __init__(self, group: Group, view: View, place: Place, wanted: Sequence[bool]) -> None:
        width = view.high - view.low
        self.rows = group.units.new_zeros(width, group.units.shape[1])
        self.args = [group.units.new_zeros(width) if wanted[slot] else None for slot in place.slots]

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
    def forward(ctx: Any, sweep: Sweep, *inputs: Tensor) -> tuple[Tensor, ...]:
        ctx.sweep, ctx.wanted = sweep, ctx.needs_input_grad[1:]
        with sweep.precision.applied(sweep.weight) as products:
            ctx.unscaled = _Forward(sweep, inputs, ctx.wanted, products).run()
        return sweep.results(ctx)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        sweep: Sweep = ctx.sweep
        totals = [
            torch.zeros_like(part) if want else None
            for part, want in zip(sweep.inputs, ctx.wanted, strict=True)
        ]
        for _, view, place in sweep.places():
            unscaled = ctx.unscaled.get(place.result)
            if unscaled is not None:
                _scale(view, place, unscaled, place.reduction.factor(grads[place.result]), totals)
        return None, *totals


class _Forward:
    """The sweep: values into the reductions, gradients into one `_Unscaled` a term."""

    def __init__(
        self, sweep: Sweep, inputs: Sequence[Tensor], wanted: Sequence[bool], products: Products
    ) -> None:
        self.sweep, self.inputs, self.wanted, self.products = sweep, inputs, wanted, products
        self.unscaled: dict[int, _Unscaled] = {}

    def run(self) -> dict[int, _Unscaled]:
        self.sweep.begin(self.inputs)
        for group, view, place in self.sweep.places():
            if place.reduction.differentiable:
                self.unscaled[place.result] = _Unscaled(group, view, place, self.wanted)
        for group in self.sweep.groups:
            self._run(group)
        return self.unscaled

    def _run(self, group: Group) -> None:
        sweep = self.sweep
        room = sweep.workspace(group.width, sweep.subcentres)
        logits, scratch = sweep.workspace(group.width), sweep.workspace(group.width)
        for span in sweep.spans:
            block = group.block(sweep, self.inputs, span)
            cos = block.cosines(group.units.T, room[: len(span) * sweep.subcentres], self.products)
            cos = sweep.best_cosines(group, block, span, cos)
            for view in group.views:
                out, spare = view.of(logits[: len(span)]), view.of(scratch[: len(span)])
                for place in view.places:
                    self._absorb(view, place, span, block, view.of(cos), out, spare)

    def _absorb(
        self,
        view: View,
        place: Place,
        span: Span,
        block: Block | MappedBlock,
        cos: Tensor,
        out: Tensor,
        spare: Tensor,
    ) -> None:
        unscaled, reduction = self.unscaled.get(place.result), place.reduction
        wanted = [] if unscaled is None else [part is not None for part in unscaled.args]
        pull = place.logits.linearise(cos, place.arguments(self.inputs, span), wanted, out)
        self.sweep.exclude(view, span, out, reduction.excluded)
        fade = reduction.absorb(out, span.low, span.high, spare)
        if unscaled is None:
            return
        unscaled.fade(fade)
        slope = self.sweep.slope(view, place, span, out)
        block.to_rows(block.spread(pull(slope, unscaled.add)), unscaled.rows, self.products)


def _scale(
    view: View, place: Place, unscaled: _Unscaled, factor: Tensor, totals: list[Tensor | None]
) -> None:
    """Add a term's gradients, times its factor, to those of its inputs."""
    by_row = factor.expand(len(unscaled.rows))
    rows_total = totals[view.slot]
    if rows_total is not None:
        rows_total += unscaled.rows * by_row[:, None]
    for slot, argument, part in zip(place.slots, place.logits.arguments, unscaled.args, strict=True):
        total = totals[slot]
        if part is not None and total is not None:
            total += part * by_row if argument.axis == "row" else (part * by_row).sum()
