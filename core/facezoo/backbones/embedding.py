"""What the backbones share: their last layers, and the check of the input size."""

from __future__ import annotations

import torch
from torch import nn

from facezoo.errors import FacezooError


def features(dim: int) -> nn.BatchNorm1d:
    """Batch normalisation of the embedding with a bias and a weight fixed at 1 (insightface's last layer).

    Each component then has variance 1 over a batch, so that embeddings have norms near sqrt(dim) from the
    start.
    """
    layer = nn.BatchNorm1d(dim)
    layer.weight.requires_grad = False
    return layer


def project(maps: torch.Tensor, fc: nn.Linear, norm: nn.BatchNorm1d) -> torch.Tensor:
    """Feature maps [B, ...] to embeddings float32 [B, dim], in float32 whatever the autocast state.

    Half precision here would quantise the embedding itself, which the loss then takes at face value.
    """
    with torch.autocast(maps.device.type, enabled=False):
        embeddings: torch.Tensor = norm(fc(maps.flatten(1).float()))
    return embeddings


def check_size(backbone: str, size: int, multiple: int) -> None:
    """Raises FacezooError unless the input's side is a positive multiple of what the strides take away."""
    if size < multiple or size % multiple:
        message = f"data.size: {size}; backbone {backbone!r} takes multiples of {multiple} pixels"
        raise FacezooError(message, f"Try {max(multiple, round(size / multiple) * multiple)}.")
