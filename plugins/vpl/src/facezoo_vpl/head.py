"""VPL, variational prototype learning (Deng et al., CVPR 2021), on ArcFace.

With μ_j the learned unit class vectors and q_j the last seen unit feature of class j (a memory of one row a
class, without gradient, read before it is written):

    w̃_j = normalize((1 - λ_j) μ_j + λ_j q_j)
    λ_j = λ where step ≥ start and q_j is at most `max_age` steps old, else 0
    L   = mean_i CE(l_i),    l_y = s cos(θ_y + m),    l_k = s cos θ_k  for k ≠ y,    cos θ_j = x · w̃_j

A sample is so compared with features of its own and of other classes inside the softmax. Both directions are
unit vectors before they are mixed: with raw class vectors the share would depend on their lengths. Classes
that were not seen, or not lately, keep w̃_j = μ_j. The gradient of μ_j goes through the normalisation.

λ, start and age are those of the authors' code, which writes the memory with the trained network's own
features; so does this head. There every class must be in the softmax; here too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn

from facezoo import margins

if TYPE_CHECKING:
    from facezoo import Batch, HeadContext, Scores
    from facezoo_vpl import VPLConfig


class VPL(nn.Module):
    """`loss(batch, scores)` of VPL; see the module's docstring.

    State: `memory` (last seen features with their steps) and `shares` (λ_j of the last training step).
    """

    def __init__(self, config: VPLConfig, context: HeadContext) -> None:
        super().__init__()
        self.config = config
        self.start = context.steps(config.start)
        self.max_age = max(1, context.steps(config.max_age))
        self.memory = context.memory()
        self.shares = context.buffer(0.0)

    def before_loss(self, batch: Batch, scores: Scores) -> None:
        """Say which classes have a feature young enough to be mixed in."""
        if batch.step >= self.start:
            fresh = self.memory.seen & (batch.step - self.memory.last <= self.max_age)
            self.shares.values.copy_(fresh).mul_(self.config.share)

    def loss(self, batch: Batch, scores: Scores) -> Tensor:
        """Mean cross-entropy of the batch, 0-d."""
        config = self.config
        if batch.step >= self.start:
            scores = scores.mapped(mixture, self.memory, self.shares)
        target = margins.combined(
            scores.target, config.margin, gradient=config.gradient, past_pi=config.past_pi
        )
        return scores.softmax(config.scale * target, scale=config.scale).mean()

    def after_step(self, batch: Batch) -> None:
        """Remember the batch's features as their classes' last."""
        self.memory.write(batch.labels, batch.unit, batch.step)

    def report(self, images: Tensor) -> dict[str, float]:
        """`mixed`: the fraction of the classes whose vector held a feature at the last training step."""
        return {"mixed": float((self.shares.values > 0).double().mean())}


def mixture(learned: Tensor, remembered: Tensor, share: Tensor) -> Tensor:
    """(1 - λ) μ + λ q, [c, D], from unit rows [c, D] and shares [c, 1]; the engine normalises it."""
    return (1 - share) * learned + share * remembered
