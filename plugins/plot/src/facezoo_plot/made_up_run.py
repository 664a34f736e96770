"""A made-up run, after which all parts of a head act.

`CALLS` training calls, the last one at step `LAST_STEP`, with `ROWS` embeddings at 45 degrees to their class,
of norms `NORM` +- `SPREAD`, while the vectors of all `CLASSES` classes are at right angles to each other. So
starts are past, annealing has ended, running statistics have settled and biases have met data. Learned
parameters are where they start, or where the head itself put them.
"""

from __future__ import annotations

import copy
import warnings
from dataclasses import replace
from functools import cache
from typing import Final

import torch
from pydantic import BaseModel
from torch import Tensor, nn

from facezoo.engine.classes import ClassMemory, ClassTensor
from facezoo.engine.context import HeadContext
from facezoo.loss import HeadLoss, build_loss
from facezoo.registry import LoadedHead
from facezoo_plot.geometry import AXES, CLASSES, DIM, REST, place
from facezoo_plot.scene import NORM, Scene

ROWS: Final = 32
CALLS: Final = 600
LAST_STEP: Final = 1_000_000
SPREAD: Final = 5.0


def many_classes(loaded: LoadedHead, config: BaseModel) -> Scene:
    """The head among `CLASSES` classes, with all but two at right angles to everything that is measured."""
    context = HeadContext(CLASSES, DIM, steps_per_epoch=CALLS // 20, total_steps=CALLS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of settings that do not suit so few classes: nobody trains them
        loss = build_loss(loaded, config, context, "dense").double().requires_grad_(False)
    place(loss, torch.arange(CLASSES), AXES[:CLASSES])
    _run(loss)
    return Scene(loss)


def two_classes(scene: Scene) -> Scene:
    """The same head in the same state with the first two of its classes alone."""
    before = scene.loss
    head = copy.deepcopy(before.head)
    for part in head.modules():
        if isinstance(part, ClassTensor):
            kept = part.values[:2].clone()
            part.values = nn.Parameter(kept, False) if isinstance(part.values, nn.Parameter) else kept
        elif isinstance(part, ClassMemory):
            part.rows, part.seen, part.last = (
                tensor[:2].clone() for tensor in (part.rows, part.seen, part.last)
            )
    loss = HeadLoss(head, replace(before.context, classes=2), "dense", name=before.name, owner=before.owner)
    loss = loss.double().requires_grad_(False).eval()
    loss.step.copy_(before.step)
    place(loss, torch.arange(2), AXES[:2])
    return Scene(loss)


@cache
def companions() -> tuple[Tensor, Tensor]:
    """The embeddings [ROWS, D] of the made-up run and their labels: never of classes 0 and 1."""
    labels = torch.arange(2, 2 + ROWS)
    away = torch.zeros(ROWS, DIM, dtype=torch.float64)
    away[:, REST:] = torch.randn(
        ROWS, DIM - REST, generator=torch.Generator().manual_seed(0), dtype=away.dtype
    )
    directions = (AXES[labels] + away / away.norm(dim=1, keepdim=True)) * 0.5**0.5
    ranks = (torch.arange(ROWS, dtype=away.dtype) + 0.5) / ROWS
    normal = torch.special.ndtri(ranks)
    norms = NORM + SPREAD * normal / normal.std()
    return directions * norms[:, None], labels


@cache
def at_their_class() -> tuple[Tensor, Tensor]:
    """Embeddings of the same norms, all of class 0 and at 0 degrees to it: their loss is close to 0."""
    norms = companions()[0].norm(dim=1, keepdim=True)
    return norms * AXES[0], torch.zeros(ROWS, dtype=torch.int64)


@torch.no_grad()
def _run(loss: HeadLoss) -> None:
    """The made-up run: all classes are seen once, then the same embeddings over and over."""
    loss.train()
    loss(NORM * AXES[2:CLASSES], torch.arange(2, CLASSES))
    loss.after_step()
    loss.step.fill_(LAST_STEP - CALLS)
    rows, labels = companions()
    for _ in range(CALLS):
        loss(rows, labels)
        loss.after_step()
    loss.eval()
