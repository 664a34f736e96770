"""SphereFace, or A-Softmax (Liu et al., CVPR 2017, equations 6 and 7; annealing from the authors' code).

    L = mean_i CE(l_i),    l_y = ‖z‖ (λ cos θ_y + ψ(θ_y)) / (1 + λ),    l_j = ‖z‖ cos θ_j  for j ≠ y
    ψ(θ) = (-1)^k cos(m θ) - 2k,    k = ⌊m θ / π⌋
    λ = max(λ_min, λ_0 (1 + γ step)^-power)

Class vectors are normalised, features are not: ‖z‖ is the embedding's norm and carries gradient. With
`feature_norm = "fixed"` a constant scale takes its place. The authors' Caffe backward is not the gradient of
its forward; here `gradient` is either the true one or that of the plain cosine. The step that drives λ is
`batch.step`, which is saved with the loss.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn

from facezoo import margins

if TYPE_CHECKING:
    from facezoo import Batch, HeadContext, Scores
    from facezoo_sphereface import SphereFaceConfig


class SphereFace(nn.Module):
    """`loss(batch, scores)` of A-Softmax; see the module's docstring."""

    def __init__(self, config: SphereFaceConfig, context: HeadContext) -> None:
        super().__init__()
        self.config = config

    def plain_weight(self, step: int) -> float:
        """λ, the weight of the plain cosine against the margin at training step `step`."""
        config = self.config
        annealed = config.lambda_start * (1 + config.lambda_rate * step) ** -config.lambda_power
        return max(config.lambda_min, annealed)

    def loss(self, batch: Batch, scores: Scores) -> Tensor:
        """Mean cross-entropy of the batch, 0-d."""
        config = self.config
        weight = self.plain_weight(batch.step)
        margined = margins.multiplied(scores.target, config.margin, gradient=config.gradient)
        blended = (weight * scores.target + margined) / (1 + weight)
        scale = batch.norms if config.feature_norm == "free" else config.scale
        return scores.softmax(scale * blended, scale=scale).mean()
