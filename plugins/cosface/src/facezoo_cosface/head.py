"""CosFace, or large margin cosine loss (Wang et al., CVPR 2018, equation 4).

    L = mean_i CE(l_i),    l_y = s (cos θ_y - m),    l_j = s cos θ_j  for j ≠ y

The gradient on the target cosine is exactly -s (1 - p), where p is the softmax probability of the target: the
margin acts through p alone. `lower_bound` says how large s must be.
"""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING

from torch import Tensor, nn

if TYPE_CHECKING:
    from facezoo import Batch, HeadContext, Scores
    from facezoo_cosface import CosFaceConfig


def lower_bound(classes: int, margin: float, probability: float = 0.999) -> float:
    """The smallest scale at which `classes` perfectly spread class centres reach `probability` on the target.

    s ≥ ln((C-1) P / (1-P)) / (C/(C-1) - m). With m = 0 this is the paper's equation 6; the form with the
    margin in the posterior is derived for this project.
    """
    others = max(classes, 2) - 1
    return math.log(others * probability / (1 - probability)) / ((others + 1) / others - margin)


class CosFace(nn.Module):
    """`loss(batch, scores)` of CosFace; see the module's docstring."""

    def __init__(self, config: CosFaceConfig, context: HeadContext) -> None:
        super().__init__()
        bound = lower_bound(context.classes, config.margin)
        self.scale = bound if config.scale == "auto" else config.scale
        self.margin = config.margin
        if self.scale < bound:
            warnings.warn(
                f"cosface: scale {self.scale:g} is below {bound:.1f}, which {context.classes} classes with "
                f"margin {config.margin:g} need for a target probability of 0.999",
                stacklevel=2,
            )

    def loss(self, batch: Batch, scores: Scores) -> Tensor:
        """Mean cross-entropy of the batch, 0-d."""
        target = self.scale * (scores.target - self.margin)
        return scores.softmax(target, scale=self.scale).mean()
