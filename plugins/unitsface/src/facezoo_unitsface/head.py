"""UniTSFace (Li et al., NeurIPS 2023): CosFace and USS-m, a sample-to-sample loss with one learned threshold.

    L = CosFace + USS    (or their mean)
    USS = mean_i [ softplus(-γ (g_iy - m) + b) + Σ_{j≠y} softplus(γ g_ij - b) ]        (equations 11 and 24)

g_ij is the cosine of sample i to the last seen feature of identity j: a memory of one row an identity,
without gradient, read before it is written. b = γ t is one learned scalar, t the threshold of all pairs.
Identities not seen yet are left out; a sample whose own identity is not in the memory has no positive term.

b starts from data, once, at the first step with USS: b ← mean_i log Σ_{j≠y} e^{γ g_ij}. Until `memory_epochs`
are past the memory fills and CosFace trains alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from facezoo import margins

if TYPE_CHECKING:
    from facezoo import Batch, HeadContext, Scores
    from facezoo_unitsface import UniTSFaceConfig


class UniTSFace(nn.Module):
    """`loss(batch, scores)` of UniTSFace; see the module's docstring.

    State: `memory` (last seen features), `bias` (b, learned), `bias_set` (whether b has met data).
    """

    bias_set: Tensor

    def __init__(self, config: UniTSFaceConfig, context: HeadContext) -> None:
        super().__init__()
        self.config = config
        self.start = context.steps(epochs=config.memory_epochs)
        self.memory = context.memory()
        self.bias = nn.Parameter(torch.zeros(()))
        self.register_buffer("bias_set", torch.zeros((), dtype=torch.bool))
        self.decay = frozenset({"bias"}) if config.bias_decay else frozenset()

    def before_loss(self, batch: Batch, scores: Scores) -> None:
        """Start the bias from data, at the first step at which other identities are in the memory."""
        if batch.step < self.start or self.bias_set:
            return
        level = batch.against(self.memory).logsumexp(scale=self.config.scale)
        level = level[level.isfinite()]  # -inf where no other identity has been seen
        if len(level):
            self.bias.copy_(level.mean())
            self.bias_set.fill_(True)

    def loss(self, batch: Batch, scores: Scores) -> dict[str, Tensor]:
        """The terms `cosface` and, once the memory is in use, `uss`, 0-d each."""
        config = self.config
        target = config.scale * (scores.target - config.margin)
        terms = {"cosface": scores.softmax(target, scale=config.scale).mean()}
        if self.bias_set:
            terms["uss"] = self.uss(batch.against(self.memory))
        share = 0.5 if config.combine == "mean" else 1.0
        return {name: share * term for name, term in terms.items()}

    def uss(self, seen: Scores) -> Tensor:
        """USS-m of the batch against the memory, 0-d."""
        scale = self.config.scale
        positive = margins.softplus(self.bias - scale * (seen.target - self.config.uss_margin))
        negative = seen.softplus(scale=scale, shift=-self.bias)
        return (torch.where(seen.known, positive, 0.0) + negative).mean()

    def after_step(self, batch: Batch) -> None:
        """Remember the batch's features as their identities' last."""
        self.memory.write(batch.labels, batch.unit, batch.step)
