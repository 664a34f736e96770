"""Means over the images of an epoch, from its steps or from what was written of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any


class Means:
    """Means over the images of an epoch."""

    def __init__(self) -> None:
        self.images = 0
        self.seconds = 0.0
        self.loss = 0.0
        self.terms: dict[str, float] = {}
        self.lr = 0.0

    def add(self, metrics: Mapping[str, Any], images: int) -> None:
        """Take in one step's metrics, of a batch of so many images."""
        self.images += images
        if rate := metrics["images_per_second"]:
            self.seconds += images / rate
        self.loss += _number(metrics["loss"]) * images
        for name, term in metrics["terms"].items():
            self.terms[name] = self.terms.get(name, 0.0) + _number(term) * images
        self.lr = metrics["lr"]

    def add_written(self, lines: Iterable[Mapping[str, Any]], images: Mapping[int, int]) -> None:
        """Take in the steps that `images` (step -> images) names, as far as metrics.jsonl has them.

        A step's own line knows better, where images were skipped.
        """
        for line in lines:
            if line["step"] in images:
                self.add(line, line.get("images", images[line["step"]]))

    def figures(self) -> dict[str, Any]:
        """The means, by the names that steps give them."""
        return {
            "loss": self.loss / self.images,
            "terms": {name: total / self.images for name, total in self.terms.items()},
            "lr": self.lr,
            "images_per_second": self.images / self.seconds if self.seconds else math.nan,
        }


def _number(written: float | None) -> float:
    """A figure as it was: metrics.jsonl has null for what is not finite."""
    return math.nan if written is None else written
