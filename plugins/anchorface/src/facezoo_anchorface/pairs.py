"""Pairs of a batch, with itself and with stored features, a block at a time.

Genuine pairs share their identity, impostor pairs do not. A pair inside the batch counts once and has its
gradient on both sides; with a stored feature the gradient is the batch's.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

BLOCK = 1 << 20
"""Pairs with stored features that are held at one time."""


@dataclass(frozen=True)
class Pairs:
    """A batch `units` [B, D] of identities `labels` [B], and features `stored` [Q, D] of `owners` [Q]."""

    units: Tensor
    labels: Tensor
    stored: Tensor
    owners: Tensor

    def counts(self) -> tuple[int, int]:
        """How many genuine and how many impostor pairs there are."""
        size = len(self.labels)
        ids, images = self.labels.unique(return_counts=True)
        place = torch.searchsorted(ids, self.owners).clamp(max=len(ids) - 1)
        met = torch.where(ids[place] == self.owners, images[place], 0)
        genuine = int((images * (images - 1)).sum()) // 2 + int(met.sum())
        return genuine, size * (size - 1) // 2 + size * len(self.owners) - genuine

    @torch.no_grad()
    def threshold(self, far: float) -> Tensor | None:
        """The k-th largest cosine of N impostor pairs, 0-d, k = max(1, ⌊far N⌋); None without any.

        k of N pairs reach it: their rate is at most `far`, or one pair's where N is too small for `far`.
        """
        _, impostors = self.counts()
        if not impostors:
            return None
        accepted = max(1, math.floor(far * impostors))
        largest = self.units.new_empty(0)
        for cos, genuine in self._blocks():
            largest = torch.cat([largest, cos[~genuine]])
            largest = largest.topk(min(accepted, len(largest))).values
        return largest[-1]

    def accepted(self, threshold: Tensor, temperature: float) -> tuple[Tensor, Tensor]:
        """Sums over the genuine and over the impostor pairs of σ((cos - threshold) / temperature), 0-d
        each.

        Cosines with stored features are computed again in the backward pass, not kept.
        """
        sums = soft_sums(*self._inside(), threshold, temperature)
        for stored, owners in self._parts():
            sums = sums + checkpoint(
                self._sums_with,
                *(self.units, stored, owners, threshold, temperature),
                use_reentrant=False,
                preserve_rng_state=False,
            )
        return sums[0], sums[1]

    def _sums_with(
        self, units: Tensor, stored: Tensor, owners: Tensor, threshold: Tensor, temperature: float
    ) -> Tensor:
        return soft_sums(units @ stored.T, self.labels[:, None] == owners, threshold, temperature)

    def _blocks(self) -> Iterator[tuple[Tensor, Tensor]]:
        yield self._inside()
        for stored, owners in self._parts():
            yield self.units @ stored.T, self.labels[:, None] == owners

    def _inside(self) -> tuple[Tensor, Tensor]:
        size = len(self.labels)
        first, second = torch.triu_indices(size, size, 1, device=self.labels.device)
        return (self.units @ self.units.T)[first, second], self.labels[first] == self.labels[second]

    def _parts(self) -> Iterator[tuple[Tensor, Tensor]]:
        if len(self.owners):
            width = max(1, BLOCK // len(self.labels))
            yield from zip(self.stored.split(width), self.owners.split(width), strict=True)


def soft_sums(cos: Tensor, genuine: Tensor, threshold: Tensor, temperature: float) -> Tensor:
    """Sums [2] of σ((cos - threshold) / temperature) over the genuine pairs and over the others."""
    soft = torch.sigmoid((cos - threshold) / temperature)
    return torch.stack([(soft * genuine).sum(), (soft * ~genuine).sum()])
