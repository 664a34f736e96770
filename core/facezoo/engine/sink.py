"""The gradient of the class vectors: one C x D tensor, however many parts of a loss use them.

Every user of the vectors takes a 0-d `token` as its input. Autograd runs the token's own backward when all of
them have run, and that hands the gradient over: ordinary semantics (accumulation, hooks,
`torch.autograd.grad`) with one allocation. Between forward and backward the trainer's gradient buffer is
unused memory, where `GradientBuffer` keeps cosines that the backward would otherwise have to compute again.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


class GradientBuffer:
    """The tensor that a trainer's gradient of the class vectors lives in from step to step.

    `kept_by` is whoever left cosines in it; to write it is to evict them.
    """

    def __init__(self) -> None:
        self.tensor: Tensor | None = None
        self.kept_by: object = None

    def claim(self, weight: Tensor, owner: object) -> Tensor:
        """The buffer, laid out like `weight`, now kept by `owner`."""
        wanted = weight.shape, weight.dtype, weight.device
        if self.tensor is None or (self.tensor.shape, self.tensor.dtype, self.tensor.device) != wanted:
            self.tensor = torch.empty_like(weight)
        self.kept_by = owner
        return self.tensor


class GradientSink:
    """Collects d loss / d `weight` during one backward.

    With a `buffer` the gradient becomes `weight.grad` itself, which `torch.autograd.grad` does not see.
    """

    def __init__(self, weight: Tensor, buffer: GradientBuffer | None = None) -> None:
        self.weight, self.buffer = weight, buffer
        self.token: Tensor = _Token.apply(weight, self)
        self._backward = -1
        self._total: Tensor | None = None
        self._rows: list[tuple[Tensor, Tensor]] = []

    def keep(self, owner: object, width: int) -> Tensor | None:
        """Room [C * K, width] for `owner` to keep cosines in until the backward, or None where there is
        none.
        """
        if self.buffer is None or self.weight.grad is not None or width > self.weight.shape[-1]:
            return None
        buffer = self.buffer.claim(self.weight.detach(), owner)
        return buffer.flatten(0, -2)[:, :width]

    def kept(self, owner: object) -> bool:
        """Whether what `owner` kept is still there."""
        return self.buffer is not None and self.buffer.kept_by is owner

    def add_rows(self, ids: Tensor, grads: Tensor) -> None:
        """Add gradients [P, ...] of the vectors at class ids [P]."""
        self._enter()
        self._rows.append((ids, grads))

    def begin(self, owner: object) -> tuple[Tensor, bool]:
        """The gradient [C * K, D] to write or add to, and whether it is still empty and to be written.

        Writing block by block keeps cosines alive that `owner` left in the blocks to come; anybody else's are
        lost.
        """
        self._enter()
        fresh = False
        if self._total is None:
            self._total, fresh = self._start()
        if self.buffer is not None and self.buffer.kept_by is not owner:
            self.buffer.kept_by = None
        return self._total.flatten(0, -2), fresh

    def _start(self) -> tuple[Tensor, bool]:
        if self.buffer is None:
            return torch.empty_like(self.weight), True
        if self.weight.grad is not None:
            return self.weight.grad, False
        return self.buffer.claim(self.weight.detach(), self.buffer.kept_by), True

    def _enter(self) -> None:
        """Forget what another backward through the same graph left: it may have stopped before the token."""
        current = torch._C._current_graph_task_id()
        if current != self._backward:
            self._backward, self._total, self._rows = current, None, []

    def release(self) -> Tensor | None:
        """The whole gradient, for autograd to take; None where it is in `weight.grad` already."""
        total = self._total
        if total is None and self._rows:
            total, fresh = self._start()
            total = total.zero_() if fresh else total
        for ids, grads in self._rows:
            assert total is not None
            total.index_add_(0, ids, grads)
        self._total, self._rows = None, []
        if self.buffer is None or total is None:
            return total
        self.buffer.kept_by, self.weight.grad = None, total
        return None


class _Token(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, weight: Tensor, sink: GradientSink) -> Tensor:
        ctx.sink = sink
        return weight.new_zeros(())

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, None]:
        return ctx.sink.release(), None
