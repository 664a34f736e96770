"""The cases of a head (one per choice of settings, fresh and fully active), and small problems for them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import UnionType
from typing import Final, Literal, Union, get_args, get_origin

import torch
from pydantic import BaseModel
from torch import Tensor

from facezoo.engine import HeadContext
from facezoo.engine.layout import Streamed
from facezoo.errors import FacezooError
from facezoo.loss import HeadLoss, build_loss
from facezoo.registry import LoadedHead
from facezoo_conformance.judging import settled_generator

LATE = 1_000_000
"""A step at which every start, warm-up and annealing that counts steps is past."""


LAYOUTS: Final = ("dense", "streamed")
"""The layouts that a loss can be built with."""


@dataclass(frozen=True)
class Size:
    """How large a problem is: rows of a batch, classes, dimensions."""

    batch: int
    classes: int
    dim: int


SMALL = Size(24, 37, 11)
TINY = Size(6, 7, 4)
"""For finite differences, which move one number at a time."""


@dataclass(frozen=True)
class Case:
    """A head under one choice of its settings, fresh or fully active."""

    head: LoadedHead
    config: BaseModel
    settings: str
    active: bool

    def __str__(self) -> str:
        return f"{self.settings}, {'fully active' if self.active else 'fresh'}"

    def loss(
        self,
        layout: str = "streamed",
        dtype: torch.dtype = torch.float32,
        size: Size = SMALL,
        *,
        reuse: bool = False,
        randomness: int = 0,
    ) -> HeadLoss:
        """A new loss in training mode, with prototypes off the unit sphere, streamed in several blocks.

        Of torch's global generator it depends on `randomness` alone.
        """
        with settled_generator(randomness):
            loss = build_loss(self.head, self.config, context(size), layout).to(dtype)
            _place_prototypes(loss)
            if isinstance(loss.layout, Streamed):
                loss.layout.block_elements = size.batch * max(size.classes * 2 // 5, 1)
            loss.reuse_gradient_buffer = reuse
            if self.active:
                activate(loss, *draw(size, dtype))
        return loss


def context(size: Size) -> HeadContext:
    """A run of ten epochs: starts in epochs or in fractions of the run lie between step 0 and `LATE`."""
    return HeadContext(size.classes, size.dim, seed=3, steps_per_epoch=10, total_steps=100)


def draw(size: Size, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
    """Embeddings [B, D] of norm about 4 sqrt(D), labels [B] with a duplicate; new tensors at every call."""
    generator = torch.Generator().manual_seed(2)
    embeddings = 4 * torch.randn(size.batch, size.dim, generator=generator, dtype=torch.float64)
    labels = torch.randint(0, size.classes, (size.batch,), generator=generator)
    labels[size.batch // 2] = labels[0]
    return embeddings.to(dtype), labels


def activate(loss: HeadLoss, embeddings: Tensor, labels: Tensor) -> None:
    """Training calls at the first step and past every start: memories partly filled, statistics moved,
    values that start from data set.
    """
    for step, shift in ((0, 0), (LATE, 5), (LATE + 1, 0)):
        loss.step.fill_(step)
        loss(embeddings + 0.1 * shift, (labels + shift) % loss.context.classes)
        loss.after_step()


@torch.no_grad()
def _place_prototypes(loss: HeadLoss) -> None:
    generator = torch.Generator().manual_seed(1)
    drawn = torch.randn(loss.prototypes.weight.shape, generator=generator, dtype=torch.float64)
    loss.prototypes.weight.copy_(drawn)


def variants(head: LoadedHead) -> dict[str, BaseModel]:
    """The head's different configs, by what they are called: its defaults, every preset, and the defaults
    with every choice of each setting that has choices. Left out is what the head refuses.
    """
    found: dict[str, BaseModel] = {}
    for name, preset, settings in _named(head):
        try:
            config = head.configure(settings, preset)
        except FacezooError:  # two settings that exclude each other; for presets there is a check
            continue
        if config not in found.values():
            found[name] = config
    return found


def _named(head: LoadedHead) -> Iterator[tuple[str, str | None, dict[str, object]]]:
    yield "defaults", None, {}
    for preset in head.spec.presets:
        yield f"preset {preset!r}", preset, {}
    for name, field in head.spec.config.model_fields.items():
        for choice in _choices(field.annotation):
            yield f"{name} = {choice!r}", None, {name: choice}


def _choices(annotation: object) -> Iterator[object]:
    """The values of a setting, where they can be listed: a Literal, a bool, or a union with one of them."""
    if annotation is bool:
        yield from (False, True)
    elif get_origin(annotation) is Literal:
        yield from get_args(annotation)
    elif get_origin(annotation) in (Union, UnionType):
        for member in get_args(annotation):
            yield from _choices(member)


def cases(head: LoadedHead) -> list[Case]:
    """The head under all its variants, fresh and fully active each."""
    return [
        Case(head, config, settings, active)
        for settings, config in variants(head).items()
        for active in (False, True)
    ]
