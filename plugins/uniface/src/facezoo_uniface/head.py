"""UniFace: binary cross-entropy over all classes with a learned bias.

Zhou et al., "UniFace: Unified Cross-Entropy Loss for Deep Face Recognition" (ICCV 2023); Li et al.,
"Rediscovering BCE Loss for Uniform Classification" (arXiv 2403.07289).

    L = mean_i [ softplus(-s (cos θ_y - m) + b_y) + λ Σ_{j≠y} softplus(s cos θ_j - b_j) ]

With `bias = "unified"` all b_j are one number b: t = b / s then is one threshold on cosines for every class,
which a softmax, where logits of a sample only compete with each other, never has to find. With "diverse" each
class has its own. A bias fixed at 0 does not train: thousands of other classes outweigh the own one, and only
b can take them all down at once.

b starts from data, at the first step: b ← mean_i log Σ_{j≠y} e^{s cos θ_j}.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from facezoo import margins

if TYPE_CHECKING:
    from facezoo import Batch, ClassParameter, HeadContext, Scores
    from facezoo_uniface import UniFaceConfig


class UniFace(nn.Module):
    """`loss(batch, scores)` of UniFace; see the module's docstring.

    State: `bias` (b, learned: one number, or one per class) and `bias_set` (whether b has met data). Weight
    decay leaves b alone.
    """

    bias: nn.Parameter | ClassParameter
    bias_set: Tensor

    def __init__(self, config: UniFaceConfig, context: HeadContext) -> None:
        super().__init__()
        self.config = config
        self.bias = nn.Parameter(torch.zeros(())) if config.bias == "unified" else context.parameter(0.0)
        self.register_buffer("bias_set", torch.zeros((), dtype=torch.bool))

    @property
    def biases(self) -> Tensor:
        """b, 0-d or [C]."""
        return self.bias if isinstance(self.bias, nn.Parameter) else self.bias.values

    def before_loss(self, batch: Batch, scores: Scores) -> None:
        """Start the bias from the first batch."""
        if not self.bias_set:
            self.biases.fill_(scores.logsumexp(scale=self.config.scale).mean())
            self.bias_set.fill_(True)

    def loss(self, batch: Batch, scores: Scores) -> dict[str, Tensor]:
        """The terms `genuine` (own class) and `impostor` (all others, weighted by λ), 0-d each."""
        config = self.config
        target = config.scale * (scores.target - config.margin)
        genuine = margins.softplus(scores.take(self.bias) - target)
        impostor = config.negative_weight * self.others(scores)
        return {"genuine": genuine.mean(), "impostor": impostor.mean()}

    def others(self, scores: Scores) -> Tensor:
        """Σ_{j≠y} softplus(s cos θ_j - b_j), [B]."""
        scale = self.config.scale
        if isinstance(self.bias, nn.Parameter):
            return scores.softplus(scale=scale, shift=-self.bias)
        return scores.softplus(lambda cos, bias: scale * cos - bias, self.bias)

    def threshold(self) -> float | None:
        """t = b / s, a cosine between an image and a class vector; None where classes have their own."""
        if not isinstance(self.bias, nn.Parameter) or not self.bias_set:
            return None
        return float(self.bias) / self.config.scale

    def report(self, images: Tensor) -> dict[str, float]:
        """The learned `threshold`; of one per class, the mean and the ends."""
        thresholds = self.biases / self.config.scale
        if thresholds.ndim == 0:
            return {"threshold": float(thresholds)}
        low, high = thresholds.aminmax()
        return {
            "mean threshold": float(thresholds.mean()),
            "lowest threshold": float(low),
            "highest threshold": float(high),
        }
