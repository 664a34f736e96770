"""Tools to test a head with: a gradient check that knows held values, and a meter of what a computation
allocates.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

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


class AllocationMeter(TorchDispatchMode):
    """Counts the storages that operations inside the block allocate.

    `peak_bytes` is the most that was alive at one time; `largest` the most elements of one tensor that did
    not exist before. What a single operation allocates and frees inside itself is not seen.
    """

    def __init__(self) -> None:
        super().__init__()
        self.peak_bytes = 0
        self.largest = 0
        self._alive: dict[int, tuple[StorageWeakRef, int]] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        before = {
            part.untyped_storage()._cdata for part in tree_leaves((args, kwargs)) if isinstance(part, Tensor)
        }
        result = func(*args, **(kwargs or {}))
        for part in tree_leaves(result):
            if isinstance(part, Tensor) and part.untyped_storage()._cdata not in before:
                self._note(part)
        return result

    def _note(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        self._alive = {key: entry for key, entry in self._alive.items() if not entry[0].expired()}
        if storage._cdata not in self._alive:
            self._alive[storage._cdata] = (StorageWeakRef(storage), storage.nbytes())
        self.largest = max(self.largest, storage.nbytes() // tensor.element_size())
        self.peak_bytes = max(self.peak_bytes, sum(size for _, size in self._alive.values()))
