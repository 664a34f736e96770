"""Tensors with one entry, or one row, per class: learned prototypes, parameters, buffers and memories.

They are modules so that `state_dict`, `.to()` and optimisers find them, and types of their own so that the
engine knows, without looking at shapes, which argument of a logit runs along the classes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from facezoo.engine.units import unit

UpdateRule = Callable[[Tensor, Tensor], Tensor]
"""(old [n, D], new [n, D]) unit rows -> rows [n, D] that the memory normalises and keeps."""


class ClassTensor(nn.Module):
    """One number per class; `values` is [C]. Made by a `HeadContext`, which knows the classes."""

    values: Tensor


class ClassParameter(ClassTensor):
    """A learned number per class, in float32.

    `bounds` (low, high) are kept by projection after each optimiser step; `decay` says whether weight decay
    applies; `lr` multiplies the run's learning rate.
    """

    def __init__(
        self, init: Tensor, bounds: tuple[float, float] | None = None, decay: bool = False, lr: float = 1.0
    ) -> None:
        super().__init__()
        self.values = nn.Parameter(init)
        self.bounds, self.decay, self.lr = bounds, decay, lr

    @torch.no_grad()
    def project(self) -> None:
        """Put every value back into the bounds."""
        if self.bounds is not None:
            self.values.clamp_(*self.bounds)

    @torch.no_grad()
    def within_bounds(self) -> bool:
        """Whether all values lie in the bounds, to float32: what lies on one still does in float64."""
        if self.bounds is None:
            return True
        low, high = self.bounds
        return bool((self.values.clamp(low, high).float() == self.values.float()).all())


class ClassBuffer(ClassTensor):
    """A number per class that is saved with the head and not learned."""

    def __init__(self, init: Tensor) -> None:
        super().__init__()
        self.register_buffer("values", init)


class Prototypes(nn.Module):
    """The learned class vectors: `weight` [C, D], or [C, K, D] with K sub-centres per class.

    A prototype is a function of the seed and of its class alone, whatever the number of classes or processes.
    Its length starts near 1: the gradient of a direction grows as the vector shrinks, so that short ones (the
    published 0.01 per component) leap at the first steps, end up long, and then hardly move.
    """

    CHUNK = 1024

    def __init__(self, classes: int, dim: int, subcentres: int = 1, seed: int = 0) -> None:
        super().__init__()
        shape = (classes, dim) if subcentres == 1 else (classes, subcentres, dim)
        self.weight = nn.Parameter(torch.empty(shape))
        for first, chunk in self._chunks():
            chunk.copy_(self._drawn(first, seed)[: len(chunk)])

    def untouched(self, seed: int) -> bool:
        """Whether every vector still points where `seed` put it, as none but weight decay has moved them."""
        return all(
            _same_directions(chunk, self._drawn(first, seed)[: len(chunk)].to(chunk))
            for first, chunk in self._chunks()
        )

    def _chunks(self) -> Iterator[tuple[int, Tensor]]:
        weight = self.weight.data
        return ((first, weight[first : first + self.CHUNK]) for first in range(0, len(weight), self.CHUNK))

    def _drawn(self, first: int, seed: int) -> Tensor:
        """The vectors of CHUNK classes from `first` on, as they are before training."""
        generator = torch.Generator().manual_seed(seed * 1_000_003 + first)
        shape = self.weight.shape[1:]
        return torch.randn((self.CHUNK, *shape), generator=generator) * shape[-1] ** -0.5

    def extra_repr(self) -> str:
        return ", ".join(map(str, self.weight.shape))


class ClassMemory(nn.Module):
    """A unit vector per class that is written, not learned: `rows` [C, D], `seen` [C] bool, `last` [C] the
    step of the last write (-1: never).
    """

    rows: Tensor
    seen: Tensor
    last: Tensor

    def __init__(self, classes: int, dim: int) -> None:
        super().__init__()
        self.register_buffer("rows", torch.zeros(classes, dim))
        self.register_buffer("seen", torch.zeros(classes, dtype=torch.bool))
        self.register_buffer("last", torch.full((classes,), -1))

    @torch.no_grad()
    def write(self, labels: Tensor, vectors: Tensor, step: int, rule: UpdateRule | None = None) -> None:
        """Take in `vectors` [P, D] of classes `labels` [P], in order.

        The first vector of a class is copied; later ones go through `rule`, or replace the row without one.
        Several rows of one class are applied one after the other, in the order of the batch.
        """
        vectors = unit(vectors).to(self.rows.dtype)
        for chosen in _rounds(labels):
            ids, new = labels[chosen], vectors[chosen]
            if rule is not None:
                old = self.rows[ids]
                new = torch.where(self.seen[ids, None], unit(rule(old, new)), new)
            self.rows[ids], self.seen[ids], self.last[ids] = new, True, step

    def extra_repr(self) -> str:
        return ", ".join(map(str, self.rows.shape))


def _rounds(labels: Tensor) -> list[Tensor]:
    """Positions [n] of the first row of every label, then of the second, and so on."""
    order = labels.argsort(stable=True)
    grouped = labels[order]
    starts = torch.searchsorted(grouped, grouped)
    nth = torch.arange(len(labels), device=labels.device) - starts
    return [order[nth == turn] for turn in range(int(nth.max()) + 1)] if len(labels) else []


def _same_directions(found: Tensor, drawn: Tensor) -> bool:
    """Whether vectors [n, ..., D] point the same way, but for the rounding of a long weight decay."""
    return bool((unit(found) - unit(drawn)).norm(dim=-1).max() < 1e-4)


def class_parameters(module: nn.Module) -> dict[str, ClassParameter]:
    """Every `ClassParameter` inside `module`, by its name there."""
    return {name: part for name, part in module.named_modules() if isinstance(part, ClassParameter)}
