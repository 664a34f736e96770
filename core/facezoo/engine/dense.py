"""The dense layout: each term over the whole B x C matrix in ordinary differentiable operations."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from facezoo.engine.terms import Rows, Term
from facezoo.engine.units import unit


def reduce_dense(terms: Sequence[Term]) -> list[Tensor]:
    """The values of `terms`."""
    return [_reduce(term) for term in terms]


def _reduce(term: Term) -> Tensor:
    excluded = _excluded(term.rows)
    # The cosine is replaced before the function: masking only its result gives 0 * inf where its slope is
    # infinite.
    cos_BC = _cosines(term.rows).masked_fill(excluded, 0.0)
    args = [part.row_major(part.tensor, 0, term.rows.vectors.classes) for part in term.logits.arguments]
    logits_BC = term.logits.plain(cos_BC, args).masked_fill(excluded, term.reduction.excluded)
    return term.reduction.plain(logits_BC)


def _cosines(rows: Rows) -> Tensor:
    vectors = unit(rows.vectors.weight)
    if rows.mapping is not None:
        vectors = rows.mapping.apply(vectors, rows.mapping.sources())
    if vectors.ndim == 2:
        return rows.units @ vectors.T
    return (rows.units @ vectors.flatten(0, 1).T).unflatten(1, vectors.shape[:2]).amax(-1)


def _excluded(rows: Rows) -> Tensor:
    """Own classes and unseen ones, [P, C] bool."""
    classes = torch.arange(rows.vectors.classes, device=rows.labels.device)
    own = rows.labels[:, None] == classes
    return own if rows.vectors.seen is None else own | ~rows.vectors.seen
