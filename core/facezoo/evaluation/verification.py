"""Verification accuracy over folds, as the LFW protocol defines it (Huang et al. 2007)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from facezoo.errors import FacezooError
from facezoo.evaluation import arguments
from facezoo.evaluation.between import between
from facezoo.evaluation.curves import area, equal_rate
from facezoo.evaluation.direction import check_direction


@dataclass(frozen=True)
class Verification:
    """Figures of one set of scored pairs; all rates are fractions.

    `accuracy` is the mean over the folds of `fold_accuracy`, `fold_sd` their standard deviation (n - 1 in the
    denominator) and `se` = fold_sd / sqrt(folds) the standard error of the mean. `thresholds` are those that
    the other folds chose for each fold. `auc` and `eer` are of all pairs together, None where a kind of pair
    is missing.
    """

    accuracy: float
    fold_sd: float
    se: float
    auc: float | None
    eer: float | None
    genuine: int
    impostor: int
    fold_accuracy: tuple[float, ...]
    thresholds: tuple[float, ...]

    @property
    def majority(self) -> float:
        """The accuracy of one constant answer, with which that of an unbalanced set must be compared."""
        return max(self.genuine, self.impostor) / (self.genuine + self.impostor)

    def as_dict(self) -> dict[str, Any]:
        """The figures as they are written to JSON."""
        lists = {"fold_accuracy": list(self.fold_accuracy), "thresholds": list(self.thresholds)}
        return {**asdict(self), **lists, "majority": self.majority}


def verify(
    scores: npt.ArrayLike,
    same: npt.ArrayLike,
    fold: npt.ArrayLike,
    *,
    failed: npt.ArrayLike | None = None,
    distances: bool = False,
) -> Verification:
    """Verify pairs from their scores [P] (the higher the more alike), truths bool [P] and folds int [P].

    For each fold, the threshold is the middle of the widest interval on which the accuracy over the other
    folds is greatest (the lowest of several as wide); a pair is taken for genuine where its score is at least
    the threshold. `failed` bool [P] are pairs with an image that failed to enrol: they are never accepted,
    whatever their score. With `distances` the scores are distances, and everything is of -distance, the
    thresholds too. Raises FacezooError for arguments of other shapes or kinds, scores that are not finite,
    fewer than two folds, and where the AUC is below 0.2.
    """
    ready, truths = arguments.pairs(scores, same, failed=failed, distances=distances)
    check_direction(ready, truths)
    return figures_of(ready, truths, arguments.folds(fold, len(truths)))


def figures_of(
    scores: npt.NDArray[np.floating], same: npt.NDArray[np.bool_], fold: npt.NDArray[np.int64]
) -> Verification:
    """`verify` of arrays that have been looked at, whatever their AUC; -inf is never accepted."""
    _check_folds(fold)
    order = np.argsort(scores, kind="stable")
    scores, same, fold = scores[order].astype(np.float64), same[order], fold[order]
    thresholds, accuracies = [], []
    enrolled = scores > -np.inf
    for number in np.unique(fold):
        inside = fold == number
        others = ~inside & enrolled
        if not others.any():
            message = f"all pairs outside fold {number} hold an image that failed to enrol"
            raise FacezooError(message, "Give fewer folds, or look at the images.")
        threshold = best_threshold(scores[others], same[others])
        thresholds.append(threshold)
        accuracies.append(float(np.mean((scores[inside] >= threshold) == same[inside])))
    fold_sd = float(np.std(accuracies, ddof=1))
    return Verification(
        accuracy=float(np.mean(accuracies)),
        fold_sd=fold_sd,
        se=fold_sd / len(accuracies) ** 0.5,
        auc=area(scores, same),
        eer=equal_rate(scores, same),
        genuine=int(same.sum()),
        impostor=int((~same).sum()),
        fold_accuracy=tuple(accuracies),
        thresholds=tuple(thresholds),
    )


def best_threshold(scores: npt.NDArray[np.float64], same: npt.NDArray[np.bool_]) -> float:
    """The middle of the widest interval of thresholds with the greatest accuracy; `scores` must be sorted.

    Between neighbouring scores the accuracy does not change. Accepting all pairs is the threshold at the
    lowest score, rejecting all the next number above the highest; both count as intervals of no width, since
    nothing bounds them on the other side.
    """
    distinct, first = np.unique(scores, return_index=True)
    genuine_below = np.concatenate([[0], np.cumsum(same)])[np.append(first, len(scores))]
    impostor_below = np.append(first, len(scores)) - genuine_below
    # pairs judged rightly with the threshold on each distinct score, and above them all, up to a constant
    right = impostor_below - genuine_below
    best = right == right.max()
    starts = np.flatnonzero(best & ~np.append(False, best[:-1]))
    ends = np.flatnonzero(best & ~np.append(best[1:], False))
    above_all = np.nextafter(distinct[-1], np.inf)
    # accepting from score i on holds for thresholds in (distinct[i - 1], distinct[i]]
    low = np.append(distinct[0], distinct)[starts]
    high = np.append(distinct, above_all)[ends]
    low = np.where(starts == len(distinct), above_all, low)
    with np.errstate(over="ignore"):
        widest = int(np.argmax(high - low))
    return float(between(low[widest], high[widest]))


def _check_folds(fold: npt.NDArray[np.int64]) -> None:
    numbers = len(np.unique(fold))
    if numbers < 2:
        message = f"{len(fold):,} pairs in {numbers} folds; a threshold is chosen on the other folds"
        raise FacezooError(message, "Set evaluate.folds to at least 2, and give at least as many pairs.")
