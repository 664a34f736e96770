"""The forward and backward passes of a step."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from facezoo._inputs import NotFiniteError
from facezoo.backbones import embeddings_of
from facezoo.errors import FacezooError
from facezoo.registry.foreign import IN_ITS_CODE, Contained
from facezoo.training.parts import Parts

Pixels = npt.NDArray[np.uint8]
WHAT_TO_TRY: Final = (
    "Try a lower optimizer.lr, a longer optimizer.warmup_epochs, a smaller scale or margin of the head, or "
    "train.precision=float32."
)


class Gradients:
    """Computes the mean loss over a step's images, in `passes` parts, and leaves its gradient in `parts`."""

    def __init__(self, parts: Parts, passes: int) -> None:
        self.parts = parts
        self.passes = passes
        self._backward = Contained(f"{parts.loss.owner}: its backward pass fails", IN_ITS_CODE)

    def leave(self, images: npt.NDArray[np.int64], pixels: Pixels, where: str) -> dict[str, Any]:
        """Add the gradient to what the parameters hold; returns the loss and its terms.

        `images` int64 [B] and `pixels` uint8 [B, size, size, 3]; `where` names the step for the FacezooError
        that a loss raises which is not finite.
        """
        loss, terms = 0.0, dict[str, float]()
        splits = (np.array_split(whole, self.passes) for whole in (images, pixels))
        for part, some in zip(*splits, strict=True):
            share = len(part) / len(images)
            value = self._forward(part, some, where)
            with self._backward:
                (value * share if self.passes > 1 else value).backward()
            loss += float(value.detach()) * share
            for name, term in self.parts.loss.terms.items():
                terms[name] = terms.get(name, 0.0) + float(term) * share
        return {"loss": loss, "terms": terms}

    def _forward(self, images: npt.NDArray[np.int64], pixels: Pixels, where: str) -> Tensor:
        """The loss of some images, 0-d, with gradient."""
        parts = self.parts
        inputs = parts.preprocessing.to_input(pixels, parts.device)
        labels = torch.from_numpy(parts.data.faces.labels[images]).to(parts.device)
        with torch.autocast(parts.device.type, torch.bfloat16, enabled=parts.bf16):
            embeddings = embeddings_of(parts.backbone, inputs)
        try:
            loss: Tensor = parts.loss(embeddings.float(), labels)
        except NotFiniteError as problem:
            raise self._not_finite(math.nan, embeddings, where) from problem
        value = float(loss.detach())
        if not math.isfinite(value):
            raise self._not_finite(value, embeddings, where)
        return loss

    def _not_finite(self, loss: float, embeddings: Tensor, where: str) -> FacezooError:
        bad = int((~torch.isfinite(embeddings)).any(1).sum())
        of_what = (
            f"{bad} of {len(embeddings)} embeddings are not finite" if bad else "all embeddings are finite"
        )
        terms = ", ".join(f"{name} {float(term):.4g}" for name, term in self.parts.loss.terms.items())
        return FacezooError(f"the loss is {loss} at {where}: {terms}; {of_what}", WHAT_TO_TRY)
