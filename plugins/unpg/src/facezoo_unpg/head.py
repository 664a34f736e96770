"""UNPG, unified negative pair generation (Jung et al., BMVC 2022), on ArcFace, CosFace or both margins.

A classification loss sees negative pairs of a sample and a class vector only; the pairs that are compared at
test time are of two samples. UNPG puts the batch's own into the denominator of every sample:

    L   = mean_i -log e^{l_y} / ( e^{l_y} + Σ_{j≠y} e^{s cos θ_j} + Σ_{(a,b) ∈ N} e^{s x_a·x_b} )
    l_y = s (cos(θ_y + m2) - m3)
    N   = pairs a < b of the batch with labels that differ and Q1 - w IQR ≤ x_a·x_b ≤ Q3 + w IQR

Q1 and Q3 are the quartiles of the cosines of all such pairs, IQR = Q3 - Q1, w the whisker of a box plot. The
filter leaves out pairs that are too easy to teach anything, and those that are so alike that their labels
deserve no trust; it selects, so it has no gradient. Every sample has the same N, in which each pair counts
once, whatever the number of processes; the gradient of a pair reaches both of its samples.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from facezoo import margins

if TYPE_CHECKING:
    from facezoo import Batch, HeadContext, Scores
    from facezoo_unpg import UNPGConfig


class UNPG(nn.Module):
    """`loss(batch, scores)` of UNPG; see the module's docstring."""

    def __init__(self, config: UNPGConfig, context: HeadContext) -> None:
        super().__init__()
        self.config = config

    def loss(self, batch: Batch, scores: Scores) -> Tensor:
        """Mean cross-entropy of the batch, 0-d."""
        config = self.config
        target = margins.combined(
            scores.target,
            config.margin,
            cosine_margin=config.cosine_margin,
            gradient=config.gradient,
            past_pi=config.past_pi,
        )
        pairs = negative_pairs(batch.unit, batch.labels)
        if config.whisker != "none":
            pairs = pairs[within_whiskers(pairs.detach(), config.whisker)]
        others = torch.logaddexp(scores.logsumexp(scale=config.scale), (config.scale * pairs).logsumexp(0))
        return margins.softplus(others - config.scale * target).mean()


def negative_pairs(units: Tensor, labels: Tensor) -> Tensor:
    """Cosines [P], with gradient, of pairs of unit rows [B, D] whose labels [B] differ, each pair once."""
    differ = torch.triu(labels[:, None] != labels, diagonal=1)
    return (units @ units.T)[differ]


def within_whiskers(values: Tensor, whisker: float) -> Tensor:
    """Which of the values [P] lie in [Q1 - w IQR, Q3 + w IQR], [P] bool.

    The bounds belong to it: with equal quartiles the values that are equal to them stay.
    """
    if not len(values):
        return torch.ones_like(values, dtype=torch.bool)
    low, high = quartiles(values)
    reach = whisker * (high - low)
    return (values >= low - reach) & (values <= high + reach)


def quartiles(values: Tensor) -> tuple[Tensor, Tensor]:
    """Q1 and Q3 of values [P], P ≥ 1, interpolated linearly; `torch.quantile` ends at 2^24 values."""
    ordered = values.sort().values
    found = []
    for share in (0.25, 0.75):
        place = share * (len(ordered) - 1)
        below = int(place)
        above = min(below + 1, len(ordered) - 1)
        found.append(torch.lerp(ordered[below], ordered[above], place - below))
    return found[0], found[1]
