"""ArcFace and the combined margin (Deng et al., CVPR 2019, equations 3 and 4; TPAMI 2022).

    L = mean_i CE(l_i),    l_y = s (cos(m1 θ_y + m2) - m3),    l_j = s cos θ_j  for j ≠ y

With K sub-centres a class (TPAMI, equation 7) cos θ_j is the largest cosine to the K vectors of class j.
All three margins act together. `past_pi` says what holds where m1 θ + m2 > π, `gradient` whether the slope is
the margin's own or that of s cos θ (characteristic gradient detachment); public code differs in both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn

from facezoo import margins

if TYPE_CHECKING:
    from facezoo import Batch, HeadContext, Scores
    from facezoo_arcface import ArcFaceConfig


class ArcFace(nn.Module):
    """`loss(batch, scores)` of the combined margin; see the module's docstring."""

    def __init__(self, config: ArcFaceConfig, context: HeadContext) -> None:
        super().__init__()
        self.config = config
        self.subcentres = config.subcentres

    def loss(self, batch: Batch, scores: Scores) -> Tensor:
        """Mean cross-entropy of the batch, 0-d."""
        config = self.config
        margined = margins.combined(
            scores.target,
            config.margin,
            multiplier=config.multiplier,
            cosine_margin=config.cosine_margin,
            gradient=config.gradient,
            past_pi=config.past_pi,
        )
        return scores.softmax(config.scale * margined, scale=config.scale).mean()
