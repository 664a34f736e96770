"""MV-Softmax (Wang et al., AAAI 2020): a margin, and more weight on the classes mistaken for the own.

    L = mean_i CE(l_i),    l_y = s f
    f = cos θ_y - m  (MV-AM)    or    cos(θ_y + m)  (MV-Arc)
    l_k = s (cos θ_k + t I_k)  (fixed)    or    s (cos θ_k + t (cos θ_k + 1) I_k)  (adaptive),    k ≠ y
    I_k = 1 where cos θ_k > f, else 0; a constant for the gradient

t is that of 2020, where 0 changes nothing; SV-Softmax (2018) writes 1 + t. The adaptive form adds t to a
cosine of 0 and 2t to a cosine of 1.

As in all public code, and not in the equations, the margin acts where cos θ_y > 0 only: f = cos θ_y elsewhere
(`positive_guard`; without it training is reported to diverge). I_k compares with the f that is used. Public
code compares with the margined cosine even where the guard took the margin away, so that there classes below
the target count as mistaken for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from facezoo import margins

if TYPE_CHECKING:
    from facezoo import Batch, HeadContext, Scores
    from facezoo_mvsoftmax import MVSoftmaxConfig


class MVSoftmax(nn.Module):
    """`loss(batch, scores)` of MV-Softmax; see the module's docstring."""

    def __init__(self, config: MVSoftmaxConfig, context: HeadContext) -> None:
        super().__init__()
        self.config = config

    def loss(self, batch: Batch, scores: Scores) -> Tensor:
        """Mean cross-entropy of the batch, 0-d."""
        own = self.own(scores.target)
        return scores.softmax(self.config.scale * own, self.others, own.detach()).mean()

    def own(self, cos: Tensor) -> Tensor:
        """f of the target cosines [B]: margined, and guarded where the config says so."""
        margined = self.margined(cos)
        return margined if self.config.positive_guard == "none" else torch.where(cos > 0, margined, cos)

    def margined(self, cos: Tensor) -> Tensor:
        """The target cosines [B] with the margin of the variant."""
        config = self.config
        if config.variant == "am":
            return cos - config.margin
        return margins.combined(cos, config.margin, gradient=config.gradient, past_pi=config.past_pi)

    def others(self, cos: Tensor, own: Tensor) -> Tensor:
        """Logits of the other classes, raised where their cosine is above `own`."""
        config = self.config
        gain = config.t * (cos + 1) if config.reweighting == "adaptive" else config.t
        return config.scale * torch.where(cos > own, cos + gain, cos)
