"""JAMsFace (Neural Computing and Applications, 2023), reconstructed: its equations are not public.

Documented: class-related margins learned jointly in angular and cosine space; classes rich in samples need
smaller ones. The equations are derived from that and from AdaptiveFace (Liu et al., CVPR 2019), for this
project. With a_c, b_c ≥ 0 learned, one pair per class, and R over all C classes, whatever the batch holds:

    L   = mean_i CE(l_i) + R(a) + R(b)
    l_y = s (φ(θ_y; a_y) - b_y),    l_j = s cos θ_j  for j ≠ y
    φ   = cos(θ + a)  while θ + a ≤ π,  else cos θ - a sin a          (`past_pi` names other ways)
    R   = λ/2 · mean_c (m_c - m*)²        regulariser = "anchor", m* a* or b*
    R   = -λ · mean_c m_c                 regulariser = "linear", AdaptiveFace's

CE always pushes a margin down (∂CE/∂b = s (1-p)) and only R holds it up. A class of share π_c of the samples
rests where π_c s (1-p) = λ (b* - b) / C: rich classes below poor ones. A mean over the classes of the *batch*
would cancel the shares and reverse the order. Margins are projected into their bounds after each step, never
in the forward, and never decay: decay alone would fix them at λ / (C · decay).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from facezoo import ClassParameter, margins
from facezoo_jamsface.sizes import by_size

if TYPE_CHECKING:
    from facezoo import Batch, HeadContext, Scores
    from facezoo_jamsface import JAMsFaceConfig


class JAMsFace(nn.Module):
    """`loss(batch, scores)` of JAMsFace; see the module's docstring.

    State: `angle` (a, radians) and `cosine` (b), [C] each; a margin whose bounds are equal is a plain number.
    """

    def __init__(self, config: JAMsFaceConfig, context: HeadContext) -> None:
        super().__init__()
        self.config = config
        self.angle = self._margin(context, config.angle_start, config.angle_min, config.angle_max)
        self.cosine = self._margin(context, config.cosine_start, config.cosine_min, config.cosine_max)

    def _margin(self, context: HeadContext, start: float, low: float, high: float) -> ClassParameter | float:
        if low == high:
            return start
        return context.parameter(start, bounds=(low, high), decay=False, lr=self.config.margin_lr)

    def loss(self, batch: Batch, scores: Scores) -> dict[str, Tensor]:
        """The terms `softmax` and, of learned margins, `angle_regulariser` and `cosine_regulariser`."""
        config = self.config
        target = config.scale * self.margined(scores)
        terms = {"softmax": scores.softmax(target, scale=config.scale).mean()}
        weights = {"angle": config.angle_weight, "cosine": config.cosine_weight}
        anchors = {"angle": config.angle_anchor, "cosine": config.cosine_anchor}
        for name, margin in self.learned().items():
            pull = config.scale * weights[name]
            terms[f"{name}_regulariser"] = self.regulariser(scores, margin, pull, anchors[name])
        return terms

    def margined(self, scores: Scores) -> Tensor:
        """φ(θ_y; a_y) - b_y of each row, [B]; with gradient to the margins whatever `gradient` says."""
        return margins.combined(
            scores.target,
            scores.take(self.angle),
            cosine_margin=scores.take(self.cosine),
            gradient=self.config.gradient,
            past_pi=self.config.past_pi,
        )

    def regulariser(self, scores: Scores, margin: ClassParameter, weight: float, anchor: float) -> Tensor:
        """R of one kind of margin, 0-d."""
        if self.config.regulariser == "linear":
            return scores.class_mean(lambda values: -weight * values, margin)
        return scores.class_mean(lambda values: weight / 2 * (values - anchor) ** 2, margin)

    def learned(self) -> dict[str, ClassParameter]:
        """The margins that are not fixed, by name."""
        both = {"angle": self.angle, "cosine": self.cosine}
        return {name: margin for name, margin in both.items() if isinstance(margin, ClassParameter)}

    @torch.no_grad()
    def report(self, images: Tensor) -> dict[str, float]:
        """Means of the learned margins, over all classes and by class size; `images` [C] int64 counts a
        class's training images. See `facezoo_jamsface.sizes`.
        """
        figures: dict[str, float] = {}
        for name, margin in self.learned().items():
            figures |= by_size(name, margin.values, images)
        return figures
