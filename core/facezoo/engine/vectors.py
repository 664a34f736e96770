"""One set of class vectors during one forward: learned prototypes, or a memory's rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from facezoo.engine.sink import GradientSink


@dataclass(frozen=True, eq=False)
class ClassVectors:
    """Raw class vectors `weight`, [C, D] or [C, K, D]."""

    weight: Tensor
    seen: Tensor | None = None
    """Which classes count, [C] bool; None: all."""
    units: bool = False
    """Whether the vectors have length 1 already."""
    sink: GradientSink | None = None
    """What collects the gradient of `weight`, in place of plain autograd."""

    @property
    def classes(self) -> int:
        return self.weight.shape[0]

    @property
    def subcentres(self) -> int:
        return self.weight.shape[1] if self.weight.ndim == 3 else 1

    def take(self, ids: Tensor) -> Tensor:
        """Raw vectors of class ids [P], with gradient."""
        if self.sink is None:
            return self.weight[ids]
        rows: Tensor = _Take.apply(self.sink.token, self.sink, ids)
        return rows

    def known(self, ids: Tensor) -> Tensor:
        return torch.ones_like(ids, dtype=torch.bool) if self.seen is None else self.seen[ids]


class _Take(torch.autograd.Function):
    """Rows of the class vectors; indexing would answer with a C x D gradient of zeros for P rows."""

    @staticmethod
    def forward(ctx: Any, token: Tensor, sink: GradientSink, ids: Tensor) -> Tensor:
        ctx.sink, ctx.ids = sink, ids
        return sink.weight[ids]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        ctx.sink.add_rows(ctx.ids, grad)
        return grad.new_zeros(()), None, None
