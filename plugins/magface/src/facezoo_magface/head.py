"""MagFace (Meng et al., CVPR 2021, equations 3 to 5).

With a_i = ‖z_i‖ held within [l_a, u_a], with gradient inside:

    L    = mean_i [ CE(l_i) + λ_g g(a_i) ]
    l_y  = s cos(θ_y + m(a)),    l_j = s cos θ_j  for j ≠ y
    m(a) = l_m + (u_m - l_m) (a - l_a) / (u_a - l_a)
    g(a) = 1/a + a/u_a²              falls up to a = u_a

A longer embedding has the larger margin, so CE shortens it, the more the harder it is; g draws all norms up.
The balance is a quality: easy faces end up long. `weight_bound` says how large λ_g must be for that.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from facezoo import margins

if TYPE_CHECKING:
    from facezoo import Batch, HeadContext, Scores
    from facezoo_magface import MagFaceConfig


def weight_bound(config: MagFaceConfig) -> float:
    """The smallest λ_g at which no embedding is drawn below l_a: s m' u_a² l_a² / (u_a² - l_a²).

    CE's slope in a is at most s m' with m' = (u_m - l_m) / (u_a - l_a), g's at l_a is 1/u_a² - 1/l_a²
    (the paper's condition for an optimum inside the bounds).
    """
    low, high = config.lower_norm, config.upper_norm
    slope = (config.upper_margin - config.lower_margin) / (high - low)
    return config.scale * slope / (low**-2 - high**-2)


class MagFace(nn.Module):
    """`loss(batch, scores)` of MagFace; see the module's docstring."""

    def __init__(self, config: MagFaceConfig, context: HeadContext) -> None:
        super().__init__()
        self.config = config
        bound = weight_bound(config)
        if config.norm_weight < bound:
            warnings.warn(
                f"magface: norm_weight {config.norm_weight:g} is below {bound:.1f}: norms of hard samples "
                f"can be drawn down to lower_norm {config.lower_norm:g} and stay there",
                stacklevel=2,
            )

    def loss(self, batch: Batch, scores: Scores) -> dict[str, Tensor]:
        """The terms `softmax` and `norms`, 0-d each."""
        config = self.config
        norms = batch.norms.clamp(config.lower_norm, config.upper_norm)
        target = config.scale * self.margined(scores.target, norms)
        return {
            "softmax": scores.softmax(target, scale=config.scale).mean(),
            "norms": config.norm_weight * (1 / norms + norms / config.upper_norm**2).mean(),
        }

    def margined(self, target: Tensor, norms: Tensor) -> Tensor:
        """The margined target cosines [B]; with gradient to the norms [B] whatever `gradient` says."""
        config = self.config
        share = (norms - config.lower_norm) / (config.upper_norm - config.lower_norm)
        margin = config.lower_margin + (config.upper_margin - config.lower_margin) * share
        value = margins.combined(target, margin, gradient=config.gradient, past_pi=config.past_pi)
        return value if config.positive_guard == "none" else torch.where(target > 0, value, target)
