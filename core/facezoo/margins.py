r"""Pure functions of a target cosine that every angular head shares.

Two choices differ between the published implementations of "the same" margin, so both are explicit
everywhere:

`gradient`
    `"exact"`: the derivative of the value. `"detached"`: the value of the margin with the derivative of the
    plain cosine (characteristic gradient detachment), c + phi(hold(c)) - hold(c), so that a margin that is
    learned still has its gradient.
`past_pi`
    What happens where the shifted angle u = m1 theta + m2 passes pi:
    `"penalty"` c - m2 sin(m2), the guard of early code, defined for m1 = 1 only; `"clamp"` u held at pi, so
    -1;
    `"none"` cos u, which turns back up; `"continue"` (-1)^k cos u - 2k with k = floor(u / pi), which keeps
    falling.

The derivative of the angle is infinite at c = +-1; here its sine is floored at `SINE_FLOOR`.
Sources: ArcFace (Deng et al., CVPR 2019), SphereFace (Liu et al., CVPR 2017).
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable

from facezoo.errors import FacezooError
from facezoo.holding import hold

Gradient = Literal["exact", "detached"]
PastPi = Literal["penalty", "clamp", "none", "continue"]

SINE_FLOOR = 1e-3
"""Smallest sine that a slope divides by: margins have slopes below 1/SINE_FLOOR everywhere."""


class _Angle(torch.autograd.Function):
    @staticmethod
    def forward(ctx: FunctionCtx, cos: Tensor) -> Tensor:
        ctx.save_for_backward(cos)
        return cos.clamp(-1, 1).acos()

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, grad: Tensor) -> Tensor:
        (cos,) = ctx.saved_tensors  # type: ignore[attr-defined]
        return -grad / (1 - cos.square()).clamp_min(SINE_FLOOR**2).sqrt()


def angle(cos: Tensor) -> Tensor:
    """The angle of a cosine in radians, in [0, pi]; same shape and dtype.

    The slope -1/sin(theta) is exact down to sin(theta) = `SINE_FLOOR` and held there below it.
    """
    result: Tensor = _Angle.apply(cos)
    return result


def combined(
    cos: Tensor,
    angle_margin: Tensor | float = 0.0,
    *,
    multiplier: float = 1.0,
    cosine_margin: Tensor | float = 0.0,
    gradient: Gradient = "exact",
    past_pi: PastPi = "penalty",
) -> Tensor:
    """cos(m1 theta + m2) - m3 of target cosines of any shape (ArcFace, eq. 4 of the TPAMI version).

    `angle_margin` m2 (radians, >= 0) and `cosine_margin` m3 are numbers or tensors that broadcast with `cos`;
    gradients flow to tensors. Raises `FacezooError` for `past_pi="penalty"` with a multiplier other than 1.
    """
    if past_pi == "penalty" and multiplier != 1.0:
        raise FacezooError(
            f"past_pi: 'penalty' is defined for a multiplier of 1, not {multiplier}",
            "choose past_pi 'clamp', 'none' or 'continue'",
        )
    plain = isinstance(angle_margin, float | int) and angle_margin == 0 and multiplier == 1.0
    held = cos if gradient == "exact" else hold(cos)
    shifted = held if plain else _shifted(held, angle_margin, multiplier, past_pi)
    return _with_gradient(cos, held, shifted - cosine_margin)


def _shifted(cos: Tensor, angle_margin: Tensor | float, multiplier: float, past_pi: PastPi) -> Tensor:
    margin = torch.as_tensor(angle_margin, dtype=cos.dtype, device=cos.device)
    turned = multiplier * angle(cos) + margin
    if past_pi == "none":
        return turned.cos()
    if past_pi == "clamp":
        return turned.clamp(max=math.pi).cos()
    if past_pi == "continue":
        return _continued(turned)
    return torch.where(turned.detach() <= math.pi, turned.cos(), cos - margin * margin.sin())


def _continued(turned: Tensor) -> Tensor:
    turns = (turned.detach() / math.pi).floor()
    return (1 - 2 * turns.remainder(2)) * turned.cos() - 2 * turns


def multiplied(cos: Tensor, multiplier: float, *, gradient: Gradient = "exact") -> Tensor:
    """SphereFace's psi(theta) = (-1)^k cos(m theta) - 2k, k = floor(m theta / pi): continuous, falling on [0,
    pi].

    `multiplier` m >= 1. Integers go through the Chebyshev polynomial cos(m theta) = T_m(cos theta), whose
    slope is finite and exact everywhere (m^2 at theta = 0); other values through `angle`.
    """
    held = cos if gradient == "exact" else hold(cos)
    if multiplier != int(multiplier):
        return _with_gradient(cos, held, _continued(multiplier * angle(held)))
    turns = (multiplier * cos.detach().clamp(-1, 1).acos() / math.pi).floor()
    value = (1 - 2 * turns.remainder(2)) * _chebyshev(held, int(multiplier)) - 2 * turns
    return _with_gradient(cos, held, value)


def _chebyshev(cos: Tensor, degree: int) -> Tensor:
    before, current = torch.ones_like(cos), cos
    for _ in range(degree - 1):
        before, current = current, 2 * cos * current - before
    return current


def _with_gradient(cos: Tensor, held: Tensor, value: Tensor) -> Tensor:
    """`value`, a function of `held`; where that is not `cos` itself, with the slope of `cos`."""
    return value if held is cos else cos + (value - held)


def softplus(value: Tensor) -> Tensor:
    """log(1 + exp(value)), exact for every value; `torch.nn.functional.softplus` is the identity above 20."""
    return torch.logaddexp(value, value.new_zeros(()))
