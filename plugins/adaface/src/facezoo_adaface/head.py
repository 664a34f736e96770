"""AdaFace (Kim et al., CVPR 2022).

    L   = mean_i CE(l_i),    l_j = s cos θ_j  for j ≠ y
    l_y = s (cos(θ_y - m q) - (m + m q))
    q   = clip(h (‖z‖ - μ) / (σ + 0.001), -1, 1),  held constant: the quality of the image

μ and σ are running mean and standard deviation of the norms, brought up to date by each training batch before
it is used; norms are held within [0.001, 100] for both. q = 0 is CosFace, q = -1 (poor) ArcFace, q = 1 (good)
a margin that weighs on hard samples more than on easy ones. The turned angle u = θ - m q is held at 0 where
m q > θ; where it exceeds π, `past_pi` says what holds. The authors' code clips u at 0.001 and π - 0.001 and
cosines at ±0.999; here the slope of the angle is finite by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from facezoo import hold, margins

if TYPE_CHECKING:
    from facezoo import Batch, HeadContext, Scores
    from facezoo_adaface import AdaFaceConfig

SHORTEST, LONGEST = 1e-3, 100.0
DEVIATION_FLOOR = 1e-3


class AdaFace(nn.Module):
    """`loss(batch, scores)` of AdaFace; see the module's docstring.

    State: `mean` and `deviation` of the norms, and `started`, whether they have met data; 0-d buffers.
    """

    mean: Tensor
    deviation: Tensor
    started: Tensor

    def __init__(self, config: AdaFaceConfig, context: HeadContext) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("mean", torch.tensor(20.0))
        self.register_buffer("deviation", torch.tensor(100.0))
        self.register_buffer("started", torch.tensor(config.start == "published"))

    def before_loss(self, batch: Batch, scores: Scores) -> None:
        """Bring the running mean and deviation of the norms up to date."""
        norms = batch.norms.clamp(SHORTEST, LONGEST).to(self.mean.dtype)
        if len(norms) < 2:  # one norm has no deviation
            return
        rate = self.config.rate if self.started else 1.0
        self.mean.lerp_(norms.mean(), rate)
        self.deviation.lerp_(norms.std(), rate)
        self.started.fill_(True)

    def loss(self, batch: Batch, scores: Scores) -> Tensor:
        """Mean cross-entropy of the batch, 0-d."""
        config = self.config
        quality = self.quality(batch.norms)
        # cos u has slope 0 at u = 0, so it does not matter that the bound -θ has a gradient
        turn = torch.maximum(-config.margin * quality, -margins.angle(scores.target))
        margined = margins.combined(
            scores.target,
            turn,
            cosine_margin=config.margin * (1 + quality),
            gradient=config.gradient,
            past_pi=config.past_pi,
        )
        return scores.softmax(config.scale * margined, scale=config.scale).mean()

    def quality(self, norms: Tensor) -> Tensor:
        """q of norms [B], in [-1, 1], held constant."""
        within = norms.clamp(SHORTEST, LONGEST)
        standard = (within - self.mean) / (self.deviation + DEVIATION_FLOOR)
        return hold((self.config.concentration * standard).clamp(-1, 1))

    def report(self, images: Tensor) -> dict[str, float]:
        """Running mean and standard deviation of the norms; the class sizes `images` [C] play no part."""
        return {"norm_mean": float(self.mean), "norm_deviation": float(self.deviation)}
