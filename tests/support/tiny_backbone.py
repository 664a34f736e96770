"""The backbone `tiny`, for tests: a few hundred parameters, and dropout out of torch's own generator."""

from __future__ import annotations

from pathlib import Path

import pytest

from facezoo.registry.entries import BACKBONES
from support.distributions import Distribution

_TINY = """
import torch
from torch import nn


class Dropout(nn.Module):
    # by comparing, not by torch's own dropout, whose draws differ between processors
    def forward(self, x):
        return x * (torch.rand(x.shape) < 0.8) / 0.8 if self.training else x


def tiny(dim, size):
    return nn.Sequential(
        nn.Conv2d(3, 4, 4, stride=4),
        nn.BatchNorm2d(4),
        nn.PReLU(4),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        Dropout(),
        nn.Linear(16, dim),
        nn.BatchNorm1d(dim),
    )
"""

TINY = Distribution(
    "facezoo-tiny",
    {"fixture_tiny": _TINY},
    {BACKBONES: {"tiny": "fixture_tiny:tiny"}},
    version="1.2",
    summary="A tiny backbone",
)


def install_tiny(patch: pytest.MonkeyPatch, site: Path) -> None:
    """Have the backbone `tiny` installed, in the folder `site`, for as long as `patch` holds."""
    patch.syspath_prepend(str(TINY.lay_out(site)))
