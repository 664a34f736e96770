"""AnchorFace (Liu et al., AAAI 2022), reconstructed: no code is public, and not all equations are.

Documented: pairs of the batch with itself and with an online-updating set of stored features (at most K = 5
an identity, at most M = 1000 steps old), differentiable TAR and FAR losses through a soft step of width
τ = 0.01, taken at a given anchor FAR, added with weights (that of the FAR loss is 1000) to a base loss. What
follows is derived from that for this project. Over the P genuine and N impostor pairs, s_p = x_a·x_b:

    t     = the k-th largest cosine of the impostor pairs, k = max(1, ⌊FAR N⌋), held constant
    L_TAR = 1 - (1/P) Σ_genuine  σ((s_p - t)/τ)
    L_FAR =     (1/N) Σ_impostor σ((s_p - t)/τ)
    L     = L_base + λ_TAR L_TAR + λ_FAR L_FAR,     L_base = mean_i CE with l_y = s (cos(θ_y + m2) - m3)

L_FAR stays near the anchor FAR by construction, so a weight of about 0.1/FAR makes it felt: 1000 at 1e-4. A
pair far from t in units of τ is settled and has no gradient. Stored features have none either.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from facezoo import margins
from facezoo_anchorface.pairs import Pairs
from facezoo_anchorface.stored import StoredFeatures

if TYPE_CHECKING:
    from facezoo import Batch, HeadContext, Scores
    from facezoo_anchorface import AnchorFaceConfig


class AnchorFace(nn.Module):
    """`loss(batch, scores)` of AnchorFace; see the module's docstring.

    State: `stored` (features to pair with), `level` (t of the last training step) and `level_set` (whether an
    impostor pair was met yet; until then the base loss trains alone).
    """

    level: Tensor
    level_set: Tensor

    def __init__(self, config: AnchorFaceConfig, context: HeadContext) -> None:
        super().__init__()
        self.config = config
        self.max_age = max(1, context.steps(config.max_age))
        self.stored = StoredFeatures(context.classes, context.dim, config.per_identity)
        self.register_buffer("level", torch.zeros(()))
        self.register_buffer("level_set", torch.zeros((), dtype=torch.bool))

    def before_loss(self, batch: Batch, scores: Scores) -> None:
        """Take the threshold from the pairs that the loss is about to see."""
        level = self.pairs(batch).threshold(self.config.anchor_far)
        if level is not None:
            self.level.copy_(level)
            self.level_set.fill_(True)

    def loss(self, batch: Batch, scores: Scores) -> dict[str, Tensor]:
        """The terms `base` and, once there is a threshold, `tar` and `far`, 0-d each, weighted."""
        terms = {"base": self.base(scores)}
        return terms | self.rates(self.pairs(batch)) if self.level_set else terms

    def rates(self, pairs: Pairs) -> dict[str, Tensor]:
        """λ_TAR L_TAR and λ_FAR L_FAR, 0-d each; 0 where the batch has no pair of that kind."""
        genuine, impostors = pairs.counts()
        true, false = pairs.accepted(self.level, self.config.temperature)
        missed = 1 - true / genuine if genuine else 0 * true
        return {
            "tar": self.config.tar_weight * missed,
            "far": self.config.far_weight * false / max(impostors, 1),
        }

    def base(self, scores: Scores) -> Tensor:
        """Mean cross-entropy of the combined margin, 0-d."""
        config = self.config
        target = margins.combined(
            scores.target,
            config.margin,
            cosine_margin=config.cosine_margin,
            gradient=config.gradient,
            past_pi=config.past_pi,
        )
        return scores.softmax(config.scale * target, scale=config.scale).mean()

    def pairs(self, batch: Batch) -> Pairs:
        """The batch's pairs with itself and with the stored features that are young enough."""
        return Pairs(batch.unit, batch.labels, *self.stored.young(batch.step, self.max_age))

    def after_step(self, batch: Batch) -> None:
        """Store the batch's features."""
        self.stored.write(batch.labels, batch.unit, batch.step)

    def threshold(self) -> float | None:
        """t, the cosine that the anchor FAR's share of the impostor pairs reached; None before any."""
        return float(self.level) if self.level_set else None
