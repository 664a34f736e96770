"""SphereFace, or A-Softmax (Liu et al., CVPR 2017, equations 6 and 7; annealing from the authors' code), and
SphereFace-R (Liu et al., TPAMI 2022; equations as in the authors' code).

    L = mean_i CE(l_i),    l_y = ‖z‖ (λ cos θ_y + ψ(θ_y)) / (1 + λ),    l_j = ‖z‖ cos θ_j  for j ≠ y
    ψ(θ) = (-1)^k cos(m θ) - 2k,    k = ⌊m θ / π⌋
    λ = max(λ_min, λ_0 (1 + γ step)^-power)

    SphereFace-R v1:    l_y = ‖z‖ cos(min(m θ_y, π)),    l_j = ‖z‖ cos θ_j
    SphereFace-R v2:    l_y = ‖z‖ cos θ_y,               l_j = ‖z‖ cos(θ_j / m)

Class vectors are normalised, features are not: ‖z‖ is the embedding's norm and carries gradient. With
`feature_norm = "fixed"` a constant scale takes its place. The authors' Caffe backward is not the gradient of
its forward; here `gradient` is either the true one or that of the plain cosine. The step that drives λ is
`batch.step`, which is saved with the loss. Where γ is given by a fraction of the run, it is what takes λ to
λ_min there.

Both versions of SphereFace-R put the boundary of two classes at m θ_y = θ_j, as A-Softmax without λ does. v1
is flat beyond π / m, so that its exact gradient is 0 there; the authors' code is detached and pulls on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn

from facezoo import hold, margins

if TYPE_CHECKING:
    from facezoo import Batch, HeadContext, Scores
    from facezoo_sphereface import SphereFaceConfig


class SphereFace(nn.Module):
    """`loss(batch, scores)` of A-Softmax or SphereFace-R; see the module's docstring."""

    def __init__(self, config: SphereFaceConfig, context: HeadContext) -> None:
        super().__init__()
        self.config = config
        self.rate = config.lambda_rate
        if config.lambda_window:
            fall = (config.lambda_start / config.lambda_min) ** (1 / config.lambda_power)
            self.rate = (fall - 1) / max(1, context.steps(fraction=config.lambda_window))

    def loss(self, batch: Batch, scores: Scores) -> Tensor:
        """Mean cross-entropy of the batch, 0-d."""
        scale = batch.norms if self.config.feature_norm == "free" else self.config.scale
        if self.config.variant == "r-v2":
            return self.against_divided(scores, scale).mean()
        return scores.softmax(scale * self.own(scores.target, batch.step), scale=scale).mean()

    def own(self, cos: Tensor, step: int) -> Tensor:
        """The target cosines [B] with the margin, at training step `step`."""
        config = self.config
        if config.variant == "r-v1":
            # ψ passes -1 where m θ passes π, and falls from there on. An integer m needs no acos this way.
            held_at_pi = margins.multiplied(cos, config.margin).clamp_min(-1)
            return held_at_pi if config.gradient == "exact" else cos + hold(held_at_pi - cos)
        weight = self.plain_weight(step)
        margined = margins.multiplied(cos, config.margin, gradient=config.gradient)
        return (weight * cos + margined) / (1 + weight)

    def plain_weight(self, step: int) -> float:
        """λ, the weight of the plain cosine against the margin at training step `step`."""
        config = self.config
        annealed = config.lambda_start * (1 + self.rate * step) ** -config.lambda_power
        return max(config.lambda_min, annealed)

    def against_divided(self, scores: Scores, scale: Tensor | float) -> Tensor:
        """Cross-entropy of each row, [B], where the angles to the other classes are divided by m."""
        config = self.config

        def divided(cos: Tensor) -> Tensor:
            return margins.combined(
                cos, multiplier=1 / config.margin, gradient=config.gradient, past_pi="none"
            )

        if isinstance(scale, float):
            return scores.softmax(scale * scores.target, lambda cos: scale * divided(cos))
        return scores.softmax(scale * scores.target, lambda cos, norms: norms * divided(cos), scale)
