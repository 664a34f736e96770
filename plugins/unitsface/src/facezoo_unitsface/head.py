"""UniTSFace (Li et al., NeurIPS 2023): a class part, and a sample-to-sample part with one learned threshold.

    L = CosFace + USS    (or their mean)
    USS = mean_i [ softplus(-γ (g_iy - m) + b) + Σ_{j≠y} softplus(γ g_ij - b) ]        (equations 11 and 24)

g_ij is the cosine of sample i to the last seen feature of identity j: a memory of one row per identity,
without gradient, read before it is written. b = γ t is one learned scalar, t the threshold of all pairs.
Identities not seen yet are left out; a sample whose own identity is not in the memory has no positive term.
The paper compares USS with two pair losses that have no such threshold:

    softmax = mean_i log(1 + Σ_{j≠y} e^{γ g_ij} / e^{γ (g_iy - m)})                            (equation 17)
    bce     = mean_i [ softplus(-γ (g_iy - m) + b_y) + Σ_{j≠y} softplus(γ g_ij - b_j) ]        (equation 22)

Biases start from data, once, at the first step with pairs: b ← mean_i log Σ_{j≠y} e^{γ g_ij}. Until
`memory_epochs` (or `memory_fraction` of the run) are past the memory fills and the class part trains alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from facezoo import margins

if TYPE_CHECKING:
    from facezoo import Batch, ClassParameter, HeadContext, Scores
    from facezoo_unitsface import UniTSFaceConfig


class UniTSFace(nn.Module):
    """`loss(batch, scores)` of UniTSFace; see the module's docstring.

    State: `memory` (last seen features), `bias` (b, learned: one number, one per identity, or None) and
    `bias_set` (whether b has met data).
    """

    bias: nn.Parameter | ClassParameter | None
    bias_set: Tensor

    def __init__(self, config: UniTSFaceConfig, context: HeadContext) -> None:
        super().__init__()
        self.config = config
        self.start = context.steps(epochs=config.memory_epochs, fraction=config.memory_fraction)
        self.memory = context.memory()
        self.decay = frozenset({"bias"}) if config.bias_decay else frozenset()
        if config.pair_loss == "uss":
            self.bias = nn.Parameter(torch.zeros(()))
        elif config.pair_loss == "bce":
            self.bias = context.parameter(0.0, decay=config.bias_decay)
        else:
            self.bias = None
        self.register_buffer("bias_set", torch.zeros((), dtype=torch.bool))

    def before_loss(self, batch: Batch, scores: Scores) -> None:
        """Start the bias from data, at the first step at which other identities are in the memory."""
        if self.bias is None or batch.step < self.start or self.bias_set:
            return
        level = batch.against(self.memory).logsumexp(scale=self.config.scale)
        level = level[level.isfinite()]  # -inf where no other identity has been seen
        if len(level):
            values = self.bias if isinstance(self.bias, nn.Parameter) else self.bias.values
            values.fill_(level.mean())
            self.bias_set.fill_(True)

    def loss(self, batch: Batch, scores: Scores) -> dict[str, Tensor]:
        """The terms `class` and, once the memory is in use, `pair`, 0-d each."""
        terms = {}
        if self.config.class_loss != "none":
            terms["class"] = self.class_part(scores)
        if self.bias_set or (self.bias is None and batch.step >= self.start):
            terms["pair"] = self.pair_part(batch.against(self.memory))
        elif not terms:
            terms["pair"] = 0.0 * batch.unit.sum()  # nothing to compare with yet
        share = 0.5 if self.config.combine == "mean" else 1.0
        return {name: share * term for name, term in terms.items()}

    def class_part(self, scores: Scores) -> Tensor:
        """The loss of the batch against the class vectors, 0-d."""
        config, target = self.config, scores.target
        if config.class_loss == "cosface":
            target = target - config.margin
        elif config.class_loss == "arcface":
            target = margins.combined(target, config.margin)
        return scores.softmax(config.scale * target, scale=config.scale).mean()

    def pair_part(self, seen: Scores) -> Tensor:
        """The loss of the batch against the memory, 0-d."""
        scale = self.config.scale
        target = scale * (seen.target - self.config.uss_margin)
        if self.bias is None:
            return torch.where(seen.known, seen.softmax(target, scale=scale), 0.0).mean()
        if isinstance(self.bias, nn.Parameter):
            negative = seen.softplus(scale=scale, shift=-self.bias)
        else:
            negative = seen.softplus(lambda cos, bias: scale * cos - bias, self.bias)
        positive = margins.softplus(seen.take(self.bias) - target)
        return (torch.where(seen.known, positive, 0.0) + negative).mean()

    def after_step(self, batch: Batch) -> None:
        """Remember the batch's features as their identities' last."""
        self.memory.write(batch.labels, batch.unit, batch.step)

    def threshold(self) -> float | None:
        """t = b / γ, the cosine from which on USS takes a pair for genuine; None without b, or before it."""
        if not isinstance(self.bias, nn.Parameter) or not self.bias_set:
            return None
        return float(self.bias) / self.config.scale

    def report(self, images: Tensor) -> dict[str, float]:
        """The learned `threshold`; of one per identity, the mean and the ends."""
        if self.bias is None or not self.bias_set:
            return {}
        values = self.bias if isinstance(self.bias, nn.Parameter) else self.bias.values
        return spread(values / self.config.scale)


def spread(thresholds: Tensor) -> dict[str, float]:
    """One threshold (0-d) by its name, or the mean, lowest and highest of several [C]."""
    if thresholds.ndim == 0:
        return {"threshold": float(thresholds)}
    low, high = thresholds.aminmax()
    return {
        "mean threshold": float(thresholds.mean()),
        "lowest threshold": float(low),
        "highest threshold": float(high),
    }
