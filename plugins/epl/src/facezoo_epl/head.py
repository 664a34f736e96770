"""EPL, Empirical Prototype Learning (Fan et al., arXiv 2405.12447).

Two losses on the same features: against learned prototypes w_j with a usual margin, and against empirical
ones q_j, which are made of the features of their class and get no gradient. v_ij = x_i · q_j:

    L    = ½ [ L_w + L_q ]
    L_w  = mean_i CE( s (cos θ_ij - m·1[j=y]) )                  or ArcFace, or BCE with a learned bias
    L_q  = mean_i CE( s (v_ij - k sg(v_iy)·1[j=y]) )             so the target has value s (1-k) v_iy, slope s
    q_y ← unit( α q_y + (1-α) x_i ),   α of u = x_i · q_y, for every sample of the batch in order:

    sigmoid   α = 1 / (1 + e^{-u})              the paper's
    softsign  α = u / (1 + |u|)                 the authors' code's default
    robust    α = 1 - ½ max(0, u)               derived for this project

α weighs the *old* prototype: with the first two a sample that is far from it has a greater share, 1-α, than
one that is near. With `robust` the near ones have the greatest, and one with u ≤ 0, likely a wrong label,
none.

The first sample of a class is copied into its row. Identities not seen yet are left out of L_q, and with them
the samples whose own prototype is missing. Before the start L_q counts as 0, and the ½ on L_w stays.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor, nn

from facezoo import hold, margins

if TYPE_CHECKING:
    from facezoo import Batch, HeadContext, Scores
    from facezoo_epl import EPLConfig

KEPT: Final[Mapping[str, Callable[[Tensor], Tensor]]] = {
    "sigmoid": torch.sigmoid,
    "softsign": nn.functional.softsign,
    "robust": lambda cos: 1 - 0.5 * cos.clamp_min(0),
}
"""α of each rule: the share of the old prototype, from the cosine of sample and prototype."""


class EPL(nn.Module):
    """`loss(batch, scores)` of EPL; see the module's docstring.

    State: `memory` (the empirical prototypes); with `learned = "bce"` also `bias` (b, learned, without weight
    decay) and `bias_set` (whether b has met data).
    """

    bias_set: Tensor

    def __init__(self, config: EPLConfig, context: HeadContext) -> None:
        super().__init__()
        self.config = config
        self.start = context.steps(epochs=config.start_epochs, fraction=config.start_fraction)
        self.memory = context.memory()
        if config.learned == "bce":
            self.bias = nn.Parameter(torch.zeros(()))
            self.register_buffer("bias_set", torch.zeros((), dtype=torch.bool))

    def before_loss(self, batch: Batch, scores: Scores) -> None:
        """Start the bias from the first batch; update the prototypes where that comes before the loss."""
        if self.config.learned == "bce" and not self.bias_set:
            self.bias.copy_(scores.logsumexp(scale=self.config.scale).mean())
            self.bias_set.fill_(True)
        if self.config.update_order == "before":
            self.write(batch)

    def loss(self, batch: Batch, scores: Scores) -> dict[str, Tensor]:
        """The terms `learned` and, from the start on, `empirical`, 0-d each, both halved."""
        terms = {"learned": 0.5 * self.learned_branch(scores).mean()}
        if batch.step >= self.start:
            terms["empirical"] = 0.5 * self.empirical_branch(batch.against(self.memory)).mean()
        return terms

    def learned_branch(self, scores: Scores) -> Tensor:
        """The loss of each sample against the learned prototypes, [B]."""
        scale, margin = self.config.scale, self.config.margin
        if self.config.learned == "arcface":
            return scores.softmax(scale * margins.combined(scores.target, margin), scale=scale)
        target = scale * (scores.target - margin)
        if self.config.learned == "cosface":
            return scores.softmax(target, scale=scale)
        return margins.softplus(self.bias - target) + scores.softplus(scale=scale, shift=-self.bias)

    def empirical_branch(self, seen: Scores) -> Tensor:
        """The loss of each sample against the empirical prototypes, [B]; 0 where its own is not there yet."""
        scale = self.config.scale
        target = seen.target - self.config.adaptation * hold(seen.target)
        return torch.where(seen.known, seen.softmax(scale * target, scale=scale), 0.0)

    def after_step(self, batch: Batch) -> None:
        """Update the prototypes where that comes after the loss."""
        if self.config.update_order == "after":
            self.write(batch)

    def write(self, batch: Batch) -> None:
        """Let each sample into its prototype; a zero embedding has no direction to add."""
        kept = KEPT[self.config.update]

        def rule(old: Tensor, new: Tensor) -> Tensor:
            share = kept((old * new).sum(1, keepdim=True))
            return share * old + (1 - share) * new

        directed = batch.norms > 0
        self.memory.write(batch.labels[directed], batch.unit[directed], batch.step, rule)

    def threshold(self) -> float | None:
        """b / s, a cosine between an image and a class vector; None without `learned = "bce"`."""
        if self.config.learned != "bce" or not self.bias_set:
            return None
        return float(self.bias) / self.config.scale
