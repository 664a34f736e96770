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

from facezoo.engine.blocks import Block, MappedBlock
from facezoo.engine.products import Products
from facezoo.engine.sweep import Group, Place, Span, Sweep, View


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
        wanted = ctx.needs_input_grad[1:]
        with sweep.precision.applied(sweep.weight) as products:
            sweep.begin(inputs)
            unscaled: dict[int, _Unscaled] = {}
            for group in sweep.groups:
                _run(sweep, group, inputs, wanted, unscaled, products)
        ctx.sweep, ctx.unscaled, ctx.wanted = sweep, unscaled, wanted
        values = sweep.values()
        ctx.mark_non_differentiable(
            *[
                value
                for value, term in zip(values, sweep.terms, strict=True)
                if not term.reduction.differentiable
            ]
        )
        return values

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


def _run(
    sweep: Sweep,
    group: Group,
    inputs: Sequence[Tensor],
    wanted: Sequence[bool],
    unscaled: dict[int, _Unscaled],
    products: Products,
) -> None:
    room = sweep.workspace(group.width, sweep.subcentres)
    logits, scratch = sweep.workspace(group.width), sweep.workspace(group.width)
    for view in group.views:
        for place in view.places:
            if place.reduction.differentiable:
                unscaled[place.result] = _Unscaled(group, view, place, wanted)
    for span in sweep.spans:
        block = group.block(sweep, inputs, span)
        cos = block.cosines(group.units.T, room[: len(span) * sweep.subcentres], products)
        cos = sweep.best_cosines(group, block, span, cos)
        for view in group.views:
            out, spare = view.of(logits[: len(span)]), view.of(scratch[: len(span)])
            for place in view.places:
                gradients = unscaled.get(place.result)
                _absorb(
                    sweep, view, place, span, view.of(cos), inputs, out, spare, block, gradients, products
                )


def _absorb(
    sweep: Sweep,
    view: View,
    place: Place,
    span: Span,
    cos: Tensor,
    inputs: Sequence[Tensor],
    out: Tensor,
    spare: Tensor,
    block: Block | MappedBlock,
    gradients: _Unscaled | None,
    products: Products,
) -> None:
    wanted = [gradients is not None and part is not None for part in (gradients.args if gradients else [])]
    pull = place.logits.linearise(cos, place.arguments(inputs, span), wanted, out)
    sweep.exclude(view, span, out, place.reduction.excluded)
    fade = place.reduction.absorb(out, span.low, span.high, spare)
    if gradients is None:
        return
    gradients.fade(fade)
    slope = place.reduction.slope(out, span.low, span.high)
    if place.reduction.excluded == 0:
        sweep.exclude(view, span, slope, 0.0)
    block.to_rows(block.spread(pull(slope, gradients.add)), gradients.rows, products)


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
