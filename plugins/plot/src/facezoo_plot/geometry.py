"""One embedding at chosen angles to two classes, in a space where all else is at right angles.

The embedding x is of class 0, `own`; class 1, `other`, is put where it is wanted:

    x = cos(own) e_0 + sin(own) e_t,    mu_0 = e_0,    mu_1 = cos(other) x + sin(other) e_a

with axes e_t and e_a of their own, so that moving x along e_a changes the angle to the other class alone, and
along x' = -sin(own) e_0 + cos(own) e_t that to its own alone.
"""

from __future__ import annotations

import math
from typing import Final

import torch
from torch import Tensor

from facezoo.loss import HeadLoss

CLASSES: Final = 100
"""Axis k is the direction of class k."""

TURN: Final = CLASSES
AWAY: Final = CLASSES + 1
REST: Final = CLASSES + 2
DIM: Final = REST + 100
AXES: Final = torch.eye(DIM, dtype=torch.float64)


def geometry(own: float, other: float) -> tuple[Tensor, Tensor, Tensor]:
    """The embedding's direction, the direction in which its own angle grows, the other class's vector."""
    cos, sin = _cos_sin(own)
    direction = cos * AXES[0] + sin * AXES[TURN]
    tangent = cos * AXES[TURN] - sin * AXES[0]
    cos, sin = _cos_sin(other)
    return direction, tangent, cos * direction + sin * AXES[AWAY]


def _cos_sin(degrees: float) -> tuple[float, float]:
    """Cosine and sine, exact at right angles, where the other class then stays in its place."""
    if degrees == 90:
        return 0.0, 1.0
    return math.cos(math.radians(degrees)), math.sin(math.radians(degrees))


def place(loss: HeadLoss, labels: Tensor, vectors: Tensor) -> None:
    """Put the prototypes of classes `labels` [P] at `vectors` [P, D], all their sub-centres alike."""
    weight = loss.prototypes.weight.data
    weight[labels] = vectors if weight.ndim == 2 else vectors[:, None].expand(-1, weight.shape[1], -1)
