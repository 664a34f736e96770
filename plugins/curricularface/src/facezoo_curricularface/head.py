"""CurricularFace (Huang et al., CVPR 2020): ArcFace whose hard negatives weigh more as training advances.

    L = mean_i CE(l_i),    l_y = s T,    T = cos(θ_y + m)
    l_k = s N(cos θ_k),    N(c) = c where c ≤ T,    c (t + c) where c > T,    k ≠ y
    t ← (1 - a) t + a mean_i cos θ_iy,    a = 0.01,    from t = 0

t is moved before the loss, by the target cosines without margin, and carries no gradient; order and rate are
the authors' code's. The slope of N in a hard cosine c is 2c + t: above 1 for c > (1 - t) / 2, so for few at
first and for more later on.

Where θ_y + m > π the value of T is what `past_pi` says, and negatives are compared with that value; public
code compares with cos(θ_y + m) there too, which it does not use as the logit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from facezoo import margins

if TYPE_CHECKING:
    from collections.abc import Mapping

    from facezoo import Batch, HeadContext, Scores
    from facezoo_curricularface import CurricularFaceConfig


class CurricularFace(nn.Module):
    """`loss(batch, scores)` of CurricularFace; see the module's docstring. State: `pace`, the paper's t."""

    pace: Tensor

    def __init__(self, config: CurricularFaceConfig, context: HeadContext) -> None:
        super().__init__()
        self.config = config
        self.rate = config.rate or 1 / max(1, context.steps(fraction=config.window))
        self.register_buffer("pace", torch.zeros(()))

    def before_loss(self, batch: Batch, scores: Scores) -> None:
        """Let t follow the mean target cosine of the batch."""
        self.pace.lerp_(scores.target.mean().to(self.pace.dtype), self.rate)

    def loss(self, batch: Batch, scores: Scores) -> Tensor:
        """Mean cross-entropy of the batch, 0-d."""
        config = self.config
        own = margins.combined(scores.target, config.margin, gradient=config.gradient, past_pi=config.past_pi)
        return scores.softmax(config.scale * own, self.others, own.detach(), self.pace).mean()

    def others(self, cos: Tensor, own: Tensor, pace: Tensor) -> Tensor:
        """Logits of the other classes, modulated where their cosine is above `own`."""
        return self.config.scale * torch.where(cos > own, cos * (pace + cos), cos)

    def report(self, images: Tensor) -> Mapping[str, float]:
        """t: how far the curriculum has come, the running mean of the target cosines."""
        return {"t": float(self.pace)}
