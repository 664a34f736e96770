"""Norms and unit vectors with a gradient that is finite everywhere."""

from __future__ import annotations

import torch
from torch import Tensor

SMALLEST_NORM = 1e-12
"""A vector shorter than this has no direction: its unit vector, its norm's gradient and its own are zero."""


def norms_and_units(vectors: Tensor) -> tuple[Tensor, Tensor]:
    """Euclidean norms [...] and unit vectors [..., D] of vectors [..., D], both differentiable.

    `torch.nn.functional.normalize` multiplies the gradient of a zero vector by 1e12; here it is zero.
    """
    squares = vectors.square().sum(-1)
    alive = squares > SMALLEST_NORM**2
    norms = torch.where(alive, torch.where(alive, squares, 1.0).sqrt(), 0.0)
    units = vectors * torch.where(alive, 1 / torch.where(alive, norms, 1.0), 0.0).unsqueeze(-1)
    return norms, units


def unit(vectors: Tensor) -> Tensor:
    """Unit vectors [..., D]; zero, with zero gradient, where a vector has no direction."""
    return norms_and_units(vectors)[1]


def inverse_norms(vectors: Tensor) -> Tensor:
    """1 / norm [...] of vectors [..., D], 0 where a vector has no direction; no gradient."""
    norms = torch.linalg.vector_norm(vectors, dim=-1)
    return torch.where(norms > SMALLEST_NORM, norms.reciprocal(), 0.0)
