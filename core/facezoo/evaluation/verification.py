"""Verification accuracy over folds, as the LFW protocol defines it (Huang et al. 2007)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from facezoo.errors import FacezooError
from facezoo.evaluation.curves import area_under_curve, equal_error_rate


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
    scores: npt.NDArray[np.floating], same: npt.NDArray[np.bool_], fold: npt.NDArray[np.int64]
) -> Verification:
    """Verify pairs from their scores [P] (the higher the more alike), truths bool [P] and folds int64 [P].

    For each fold, the threshold is the middle of the widest interval on which the accuracy over the other
    folds is greatest (the lowest of several as wide); a pair is taken for genuine where its score is at least
    the threshold. Raises FacezooError for scores that are not finite, and for fewer than two folds.
    """
    _check(scores, fold)
    order = np.argsort(scores, kind="stable")
    scores, same, fold = scores[order].astype(np.float64), same[order], fold[order]
    thresholds, accuracies = [], []
    for number in np.unique(fold):
        inside = fold == number
        threshold = best_threshold(scores[~inside], same[~inside])
        thresholds.append(threshold)
        accuracies.append(float(np.mean((scores[inside] >= threshold) == same[inside])))
    fold_sd = float(np.std(accuracies, ddof=1))
    return Verification(
        accuracy=float(np.mean(accuracies)),
        fold_sd=fold_sd,
        se=fold_sd / len(accuracies) ** 0.5,
        auc=area_under_curve(scores, same),
        eer=equal_error_rate(scores, same),
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
    widest = int(np.argmax(high - low))
    middle = low[widest] + (high[widest] - low[widest]) / 2
    return float(
        middle if middle > low[widest] else high[widest]
    )  # no number lies between neighbouring doubles


def _check(scores: npt.NDArray[np.floating], fold: npt.NDArray[np.int64]) -> None:
    wrong = int((~np.isfinite(scores)).sum())
    if wrong:
        message = f"{wrong:,} of {len(scores):,} scores are not finite"
        raise FacezooError(
            message, "The network gives NaN or infinite embeddings; an earlier checkpoint may not."
        )
    if len(np.unique(fold)) < 2:
        message = (
            f"{len(scores):,} pairs in {len(np.unique(fold))} folds; a threshold is chosen on the other folds"
        )
        raise FacezooError(message, "Set evaluate.folds to at least 2, and give at least as many pairs.")
