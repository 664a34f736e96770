"""Folds for protocols that bring none."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from facezoo.errors import FacezooError
from facezoo.evaluation import arguments


def stratified_folds(same: npt.ArrayLike, folds: int) -> npt.NDArray[np.int64]:
    """A fold for each pair, int64 [P] in [0, folds): genuine and impostor pairs spread evenly.

    Each kind is cut into `folds` consecutive stretches of the given order. Lists of pairs usually go person
    by person, so neighbouring pairs, which share people, mostly fall into one fold rather than into all of
    them. `same` bool [P] (or 1 and 0). Raises FacezooError where there are fewer pairs than folds.
    """
    truths, folds = arguments.of_pairs("same", same), arguments.whole("folds", folds, 1)
    if len(truths) < folds:
        message = f"evaluate.folds: {folds} folds of {len(truths):,} pairs"
        raise FacezooError(message, "Give at least as many pairs as folds, or fewer folds.")
    fold = np.empty(len(truths), np.int64)
    genuine, impostor = np.flatnonzero(truths), np.flatnonzero(~truths)
    # impostor pairs are dealt from the last fold on, so that with few pairs of both kinds none stays empty
    for kind, dealt in ((genuine, np.arange(folds)), (impostor, np.arange(folds)[::-1])):
        for number, stretch in zip(dealt, np.array_split(kind, folds), strict=True):
            fold[stretch] = number
    return fold
