"""The features that batches are paired with: the newest few of every identity."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class StoredFeatures(nn.Module):
    """The last K unit features of each identity: `rows` [C, K, D], `last` [C, K] the step at which each was
    written (-1: never), `turn` [C] the place that is written next. All of it is saved.
    """

    rows: Tensor
    last: Tensor
    turn: Tensor

    def __init__(self, classes: int, dim: int, per_identity: int) -> None:
        super().__init__()
        self.register_buffer("rows", torch.zeros(classes, per_identity, dim))
        self.register_buffer("last", torch.full((classes, per_identity), -1))
        self.register_buffer("turn", torch.zeros(classes, dtype=torch.int64))

    def young(self, step: int, max_age: int) -> tuple[Tensor, Tensor]:
        """Features [Q, D] that are at most `max_age` steps old at `step`, and their identities [Q]."""
        owners, places = ((self.last >= 0) & (step - self.last <= max_age)).nonzero(as_tuple=True)
        return self.rows[owners, places], owners

    @torch.no_grad()
    def write(self, labels: Tensor, units: Tensor, step: int) -> None:
        """Take in unit rows [B, D] of identities [B], in order; each replaces its identity's oldest."""
        nth, count = occurrences(labels)
        places = (self.turn[labels] + nth) % self.rows.shape[1]
        kept = count - nth <= self.rows.shape[1]  # a place that is written twice keeps the later row
        self.rows[labels[kept], places[kept]] = units[kept].to(self.rows.dtype)
        self.last[labels[kept], places[kept]] = step
        self.turn[labels] = (self.turn[labels] + count) % self.rows.shape[1]

    def extra_repr(self) -> str:
        """The shape of the store."""
        return ", ".join(map(str, self.rows.shape))


def occurrences(labels: Tensor) -> tuple[Tensor, Tensor]:
    """For every label [B], how many equal ones come before it [B], and how many there are in all [B]."""
    order = labels.argsort(stable=True)
    grouped = labels[order]
    first = torch.searchsorted(grouped, grouped)
    nth, count = torch.empty_like(labels), torch.empty_like(labels)
    nth[order] = torch.arange(len(labels), device=labels.device) - first
    count[order] = torch.searchsorted(grouped, grouped, right=True) - first
    return nth, count
