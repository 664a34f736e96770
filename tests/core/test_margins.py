"""Pure margin functions against loops in degrees, and their slopes."""

from __future__ import annotations

import math

import pytest
import torch

from facezoo import FacezooError, margins

DEGREES = list(range(1, 180))


def cosines() -> torch.Tensor:
    return torch.tensor([math.cos(math.radians(d)) for d in DEGREES], dtype=torch.float64)


def slow_shifted(theta: float, multiplier: float, shift: float, past_pi: str) -> float:
    turned = multiplier * theta + shift
    if past_pi == "none" or turned <= math.pi:
        return math.cos(turned)
    if past_pi == "clamp":
        return -1.0
    if past_pi == "penalty":
        return math.cos(theta) - shift * math.sin(shift)
    turns = math.floor(turned / math.pi)
    return (-1) ** turns * math.cos(turned) - 2 * turns


@pytest.mark.parametrize("past_pi", ["penalty", "clamp", "none", "continue"])
@pytest.mark.parametrize(
    ("multiplier", "shift", "cosine"), [(1, 0.5, 0), (1, 0.3, 0.2), (0.9, 0.4, 0.15), (1.35, 0, 0)]
)
def test_combined_at_every_degree(multiplier: float, shift: float, cosine: float, past_pi: str) -> None:
    if past_pi == "penalty" and multiplier != 1:
        with pytest.raises(FacezooError, match="multiplier of 1"):
            margins.combined(cosines(), shift, multiplier=multiplier, past_pi=past_pi)
        return
    found = margins.combined(cosines(), shift, multiplier=multiplier, cosine_margin=cosine, past_pi=past_pi)
    for degrees, value in zip(DEGREES, found.tolist(), strict=True):
        expected = slow_shifted(math.radians(degrees), multiplier, shift, past_pi) - cosine
        assert value == pytest.approx(expected, abs=1e-12), degrees


@pytest.mark.parametrize("multiplier", [1, 2, 3, 4, 1.5, 1.7])
def test_multiplied_at_every_degree(multiplier: float) -> None:
    found = margins.multiplied(cosines(), multiplier)
    for degrees, value in zip(DEGREES, found.tolist(), strict=True):
        assert value == pytest.approx(
            slow_shifted(math.radians(degrees), multiplier, 0, "continue"), abs=1e-9
        ), degrees


@pytest.mark.parametrize("multiplier", [2, 3, 4])
def test_multiplied_ends_and_falls(multiplier: int) -> None:
    ends = margins.multiplied(torch.tensor([1.0, -1.0], dtype=torch.float64), multiplier)
    assert ends.tolist() == pytest.approx([1, 1 - 2 * multiplier])
    assert (margins.multiplied(cosines(), multiplier).diff() < 0).all()


@pytest.mark.parametrize("multiplier", [2, 3, 4])
def test_slope_of_integer_multiples_at_zero_angle_is_the_square(multiplier: int) -> None:
    cos = torch.ones(1, dtype=torch.float64, requires_grad=True)
    margins.multiplied(cos, multiplier).sum().backward()
    assert float(cos.grad) == pytest.approx(multiplier**2)


@pytest.mark.parametrize("past_pi", ["penalty", "clamp", "none", "continue"])
def test_exact_slope_is_the_derivative_and_detached_that_of_the_cosine(past_pi: str) -> None:
    cos = cosines().requires_grad_()
    (exact,) = torch.autograd.grad(margins.combined(cos, 0.5, past_pi=past_pi).sum(), cos)
    step = 1e-6
    with torch.no_grad():
        moved = [margins.combined(cos + sign * step, 0.5, past_pi=past_pi) for sign in (1, -1)]
    smooth = (cos.detach() - math.cos(math.pi - 0.5)).abs() > 1e-3
    assert torch.allclose(exact[smooth], ((moved[0] - moved[1]) / (2 * step))[smooth], rtol=1e-4, atol=1e-6)
    (detached,) = torch.autograd.grad(
        margins.combined(cos, 0.5, past_pi=past_pi, gradient="detached").sum(), cos
    )
    assert torch.equal(detached, torch.ones_like(cos))


@pytest.mark.parametrize("gradient", ["exact", "detached"])
def test_gradients_flow_to_margins_a_row(gradient: str) -> None:
    angle = torch.full((3,), 0.3, dtype=torch.float64, requires_grad=True)
    cosine = torch.full((3,), 0.2, dtype=torch.float64, requires_grad=True)
    cos = torch.tensor([0.9, 0.1, -0.5], dtype=torch.float64)
    margins.combined(cos, angle, cosine_margin=cosine, gradient=gradient).sum().backward()
    assert torch.allclose(angle.grad, -(cos.acos() + 0.3).sin())
    assert torch.equal(cosine.grad, -torch.ones(3, dtype=torch.float64))


@pytest.mark.parametrize("cos", [1.0, -1.0, 1.0000001, -1.0000001])
def test_slopes_are_bounded_at_the_ends(cos: float) -> None:
    value = torch.tensor([cos], requires_grad=True)
    margins.combined(value, 0.5, past_pi="none").sum().backward()
    assert value.grad.abs().item() <= 1.0001 / margins.SINE_FLOOR


@pytest.mark.parametrize("value", [-800.0, -30.0, -1.0, 0.0, 1.0, 19.0, 21.0, 30.0, 800.0])
def test_softplus_is_exact_everywhere(value: float) -> None:
    found = float(margins.softplus(torch.tensor(value, dtype=torch.float64)))
    expected = value + math.log1p(math.exp(-value)) if value > 0 else math.log1p(math.exp(value))
    assert found == pytest.approx(expected, rel=1e-14, abs=1e-300)
