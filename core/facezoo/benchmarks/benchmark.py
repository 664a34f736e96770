"""What a benchmark is: images, and what their embeddings are worth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from facezoo.benchmarks.result import Result
from facezoo.data.images import Images
from facezoo.evaluation.files import EmbeddingSet

Imaged = Images | EmbeddingSet
"""Images that are to be embedded, or that have embeddings already."""


class Benchmark(Protocol):
    """What a spec's `open` returns. It is told nothing of the network but the embeddings."""

    @property
    def name(self) -> str:
        """What is measured on, as it is printed: "pairs.csv", "CFP-FP"."""

    @property
    def images(self) -> Imaged:
        """The images, in the order in which `evaluate` wants their embeddings; see `Given`."""

    @property
    def remarks(self) -> Sequence[str]:
        """What is to be said of it before anything is embedded: a line per thing out of the ordinary."""

    def evaluate(self, embeddings: npt.NDArray[np.floating]) -> Result:
        """What raw embeddings, floating [images, D], not of unit length, are worth.

        Raises FacezooError, naming images, where some are zero or not finite and `Options.failed` does not
        say what they count as. May be called several times, as training does.
        """
