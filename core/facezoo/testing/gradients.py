"""A comparison of a loss's gradients with finite differences that knows held values."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from facezoo.holding import HeldValues
from facezoo.loss import HeadLoss


def gradient_check(
    loss: HeadLoss, embeddings: Tensor, labels: Tensor, *, eps: float = 1e-6, tolerance: float = 1e-6
) -> None:
    """Compare the gradients of a float64 loss with central differences, at the state it is in.

    Checks the embeddings [B, D] and every parameter that needs a gradient, entry by entry: keep the problem
    small. The values that the head holds are recorded once and replayed while the inputs move, so heads with
    deliberate stop-gradients are checked like any other. Raises `AssertionError` naming the worst entry where
    |difference| > tolerance * (1 + largest gradient of that tensor).
    """
    inputs = {"embeddings": embeddings.detach().clone().requires_grad_(), **_trained(loss)}
    with _frozen(loss):
        value = loss(inputs["embeddings"], labels)
        grads = torch.autograd.grad(value, list(inputs.values()), materialize_grads=True)
        held = HeldValues()
        with torch.no_grad(), held.recording():
            loss(inputs["embeddings"], labels)
        for (name, tensor), grad in zip(inputs.items(), grads, strict=True):
            expected = _differences(loss, inputs["embeddings"], labels, tensor.detach(), held, eps)
            _compare(name, grad, expected, tolerance)


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


@torch.no_grad()
def _differences(
    loss: HeadLoss, embeddings: Tensor, labels: Tensor, tensor: Tensor, held: HeldValues, eps: float
) -> Tensor:
    result = torch.zeros_like(tensor)
    flat, out = tensor.view(-1), result.view(-1)
    for index in range(flat.numel()):
        at = float(flat[index])
        values = []
        for moved in (at + eps, at - eps):
            flat[index] = moved
            with held.replaying():
                values.append(float(loss(embeddings, labels)))
        flat[index] = at
        out[index] = (values[0] - values[1]) / (2 * eps)
    return result


def _compare(name: str, found: Tensor, expected: Tensor, tolerance: float) -> None:
    gap = (found - expected).abs()
    if bool(gap.max() > tolerance * (1 + expected.abs().max())):
        worst = tuple(int(index) for index in torch.unravel_index(gap.argmax(), gap.shape))
        gradient, difference = float(found[worst]), float(expected[worst])
        raise AssertionError(
            f"{name}{list(worst)}: gradient {gradient:.10g}, finite difference {difference:.10g}"
        )
