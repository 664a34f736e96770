"""A loss's gradients against finite differences; values under `facezoo.hold` stay fixed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import torch
from torch import Tensor

from facezoo.holding import HeldValues
from facezoo.loss import HeadLoss

DIRECTIONS: Final = 2
"""The number of random directions along which a whole tensor is moved."""


def gradient_check(
    loss: HeadLoss, embeddings: Tensor, labels: Tensor, *, eps: float = 1e-6, tolerance: float = 1e-6
) -> None:
    """Compare the gradients of a float64 loss with central differences, at the state it is in.

    Checks the embeddings [B, D] and every parameter that needs a gradient. Each is moved along two random
    directions, where any wrong entry shows; if a slope differs there, it is checked entry by entry, so keep
    the problem small. The values that the head holds are recorded once and replayed while the inputs move:
    heads with deliberate stop-gradients are checked like any other. Raises `AssertionError` naming the worst
    entry where |difference| > tolerance * (1 + largest gradient of that tensor).
    """
    inputs = {"embeddings": embeddings.detach().clone().requires_grad_(), **_trained(loss)}
    with _frozen(loss):
        value = loss(inputs["embeddings"], labels)
        grads = torch.autograd.grad(value, list(inputs.values()), materialize_grads=True)
        held = HeldValues()
        with torch.no_grad(), held.recording():
            loss(inputs["embeddings"], labels)

        def value_again() -> float:
            with torch.no_grad(), held.replaying():
                return float(loss(inputs["embeddings"], labels))

        for (name, tensor), grad in zip(inputs.items(), grads, strict=True):
            moved = tensor.detach()
            if not _agrees_along_directions(value_again, moved, grad, eps, tolerance):
                entries = torch.eye(moved.numel()).to(moved).view(-1, *moved.shape)
                slopes = [_slope(value_again, moved, entry, eps) for entry in entries]
                _compare(name, grad, grad.new_tensor(slopes).view_as(grad), tolerance)


def _trained(loss: HeadLoss) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in loss.named_parameters() if tensor.requires_grad}


@contextmanager
def _frozen(loss: HeadLoss) -> Iterator[None]:
    """Evaluation mode: no counting, no running statistics, no writes; and gradients where autograd sees
    them.
    """
    training, reuses = loss.training, loss.reuse_gradient_buffer
    loss.eval()
    loss.reuse_gradient_buffer = False
    try:
        yield
    finally:
        loss.train(training)
        loss.reuse_gradient_buffer = reuses


def _agrees_along_directions(
    value: Callable[[], float], tensor: Tensor, grad: Tensor, eps: float, tolerance: float
) -> bool:
    """Whether the slopes along random directions are those of the gradient. The cost does not grow with the
    tensor, and it is by far the usual case.
    """
    generator = torch.Generator().manual_seed(5)
    largest = 1 + float(grad.abs().max())
    for _ in range(DIRECTIONS):
        direction = torch.randn(tensor.shape, generator=generator, dtype=torch.float64).to(tensor)
        gap = float((grad * direction).sum()) - _slope(value, tensor, direction, eps)
        if not (math.isfinite(gap) and abs(gap) <= tolerance * largest):
            return False
    return True


@torch.no_grad()
def _slope(value: Callable[[], float], tensor: Tensor, direction: Tensor, eps: float) -> float:
    """The central difference of `value` along a direction; `tensor` is moved and put back."""
    at, ends = tensor.clone(), []
    for signed in (eps, -eps):
        tensor.copy_(at + signed * direction)
        ends.append(value())
    tensor.copy_(at)
    return (ends[0] - ends[1]) / (2 * eps)


def _compare(name: str, found: Tensor, expected: Tensor, tolerance: float) -> None:
    gap = (found - expected).abs()
    if not bool(gap.max() <= tolerance * (1 + expected.abs().max())):  # NaN is a difference, too
        worst = tuple(int(index) for index in torch.unravel_index(gap.argmax(), gap.shape))
        gradient, difference = float(found[worst]), float(expected[worst])
        raise AssertionError(
            f"{name}{list(worst)}: gradient {gradient:.10g}, finite difference {difference:.10g}"
        )
