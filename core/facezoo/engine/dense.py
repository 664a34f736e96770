"""The dense layout: each term over the whole B x C matrix in ordinary differentiable operations."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from facezoo.engine.scores import Scores, Term
from facezoo.engine.units import unit


def reduce_dense(terms: Sequence[Term]) -> list[Tensor]:
    """The values of `terms`."""
    return [_reduce(term) for term in terms]


def _reduce(term: Term) -> Tensor:
    excluded = _excluded(term.scores)
    # The cosine is replaced before the function: masking only its result gives 0 * inf where its slope is
    # infinite.
    cos_BC = _cosines(term.scores).masked_fill(excluded, 0.0)
    args = [part.row_major(part.tensor, 0, term.scores.classes) for part in term.logits.arguments]
    logits_BC = term.logits.plain(cos_BC, args).masked_fill(excluded, term.reduction.excluded)
    return term.reduction.plain(logits_BC)


def _cosines(scores: Scores) -> Tensor:
    units = unit(scores.class_vectors.weight)
    if scores.mapping is not None:
        units = scores.mapping.apply(units, scores.mapping.sources())
    if units.ndim == 2:
        return scores.unit_rows @ units.T
    return (scores.unit_rows @ units.flatten(0, 1).T).unflatten(1, units.shape[:2]).amax(-1)


def _excluded(scores: Scores) -> Tensor:
    """Own classes and unseen ones, [P, C] bool."""
    classes = torch.arange(scores.classes, device=scores.labels.device)
    own = scores.labels[:, None] == classes
    return own if scores.class_vectors.seen is None else own | ~scores.class_vectors.seen
