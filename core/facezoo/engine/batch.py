"""A batch as a head sees it."""

from __future__ import annotations

from functools import cached_property

import torch
from torch import Tensor

from facezoo.engine.classes import ClassMemory, Prototypes
from facezoo.engine.scores import Scores
from facezoo.engine.terms import Layout, Rows
from facezoo.engine.units import norms_and_units


class Batch:
    """Embeddings of one step, on every process in full.

    `raw` [B, D] float32 or float64 with gradient; `unit` [B, D] their directions; `norms` [B] their lengths,
    0 and without gradient for a zero row; `labels` [B] int64 class ids; `step` the number of training calls
    before this one.
    """

    def __init__(self, raw: Tensor, labels: Tensor, step: int, layout: Layout, seed: int = 0) -> None:
        self.raw, self.labels, self.step = raw, labels, step
        self.norms, self.unit = norms_and_units(raw)
        self._layout, self._seed = layout, seed

    def against(self, source: ClassMemory | Prototypes) -> Scores:
        """The batch against a memory, or against the learned prototypes."""
        return Scores(self._layout, Rows(self._layout.vectors(source), self.unit, self.labels))

    @cached_property
    def generator(self) -> torch.Generator:
        """Random numbers that are a function of the run's seed and the step, so the same on every process and
        after a resume. On the CPU: draw there and move.
        """
        return torch.Generator().manual_seed(self._seed * 1_000_003 + self.step)

    def detached(self) -> Batch:
        """The same batch without its graph."""
        return Batch(self.raw.detach(), self.labels, self.step, self._layout, self._seed)
