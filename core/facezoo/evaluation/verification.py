"""Verification accuracy over folds, as the LFW protocol defines it (Huang et al. 2007)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from facezoo.errors import FacezooError
from facezoo.evaluation import arguments
from facezoo.evaluation.bootstrap import Weighing
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
    folds, auc, eer = Weighing(scores, same, fold).itself()
    undecided = np.flatnonzero(np.isnan(folds.thresholds[:, 0]))
    if len(undecided):
        message = f"all pairs outside fold {np.unique(fold)[undecided[0]]} hold an image that failed to enrol"
        raise FacezooError(message, "Give fewer folds, or look at the images.")
    accuracies = folds.right[:, 0] / folds.judged[:, 0]
    fold_sd, genuine = float(np.std(accuracies, ddof=1)), int(same.sum())
    return Verification(
        accuracy=float(np.mean(accuracies)),
        fold_sd=fold_sd,
        se=fold_sd / len(accuracies) ** 0.5,
        auc=auc,
        eer=eer,
        genuine=genuine,
        impostor=len(same) - genuine,
        fold_accuracy=tuple(accuracies.tolist()),
        thresholds=tuple(folds.thresholds[:, 0].tolist()),
    )


def equal_error_rate(scores: npt.ArrayLike, same: npt.ArrayLike) -> float | None:
    """Where the false accept rate equals the false reject rate, on the ROC curve drawn with straight lines.

    None where a kind is missing. `scores` [P], the higher the more alike; `same` bool [P]. Raises
    FacezooError for scores that are not finite and for other shapes.
    """
    ready, truths = arguments.pairs(scores, same)
    if not len(truths):
        return None
    one_fold = np.zeros(len(truths), np.int64)
    rate = float(Weighing(ready, truths, one_fold).curve(np.ones((len(truths), 1), np.int32))[1][0])
    return None if np.isnan(rate) else rate


def _check_folds(fold: npt.NDArray[np.int64]) -> None:
    numbers = len(np.unique(fold))
    if numbers < 2:
        message = f"{len(fold):,} pairs in {numbers} folds; a threshold is chosen on the other folds"
        raise FacezooError(message, "Set evaluate.folds to at least 2, and give at least as many pairs.")
