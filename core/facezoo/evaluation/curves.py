"""Figures of the whole score distribution: area under the ROC curve, equal error rate."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from facezoo.evaluation import arguments

Scores = npt.NDArray[np.floating]
Truths = npt.NDArray[np.bool_]


def area_under_curve(scores: npt.ArrayLike, same: npt.ArrayLike) -> float | None:
    """The area under the ROC curve: P(genuine score > impostor score) + P(equal) / 2, exact.

    Counted in whole numbers over all genuine-impostor combinations (Mann-Whitney), so ties are exact too.
    None where a kind is missing. `scores` [P], the higher the more alike; `same` bool [P]. Raises
    FacezooError for scores that are not finite and for other shapes. An AUC near 0, of distances, is returned
    as it is.
    """
    return area(*arguments.pairs(scores, same))


def area(scores: Scores, same: Truths) -> float | None:
    """`area_under_curve` of arrays that have been looked at; -inf is the score of a pair never accepted."""
    return area_of(scores[same], scores[~same]) if same.any() and not same.all() else None


def area_of(genuine: Scores, impostor: Scores) -> float:
    """The area under the curve of the scores of both kinds, of which there must be some."""
    impostor = np.sort(impostor)
    below = int(np.searchsorted(impostor, genuine, "left").sum())
    not_above = int(np.searchsorted(impostor, genuine, "right").sum())
    return (below + not_above) / (2 * len(genuine) * len(impostor))


def error_rates(scores: Scores, same: Truths) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """FAR and FRR of accepting scores >= t, for t at each distinct score in rising order and above them all.

    Both float64 [distinct + 1]; FAR falls from 1 to 0 and FRR rises from 0 to 1. Both kinds must be present.
    """
    thresholds = np.unique(scores)
    genuine, impostor = np.sort(scores[same]), np.sort(scores[~same])
    frr = np.append(np.searchsorted(genuine, thresholds, "left"), len(genuine)) / len(genuine)
    far = 1 - np.append(np.searchsorted(impostor, thresholds, "left"), len(impostor)) / len(impostor)
    return far, frr


def equal_error_rate(scores: npt.ArrayLike, same: npt.ArrayLike) -> float | None:
    """Where the false accept rate equals the false reject rate, on the ROC curve drawn with straight lines.

    None where a kind is missing. Arguments and errors are those of `area_under_curve`.
    """
    return equal_rate(*arguments.pairs(scores, same))


def equal_rate(scores: Scores, same: Truths) -> float | None:
    """`equal_error_rate` of arrays that have been looked at; -inf is the score of a pair never accepted."""
    if same.all() or not same.any():
        return None
    far, frr = error_rates(scores, same)
    after = int(np.argmax(frr >= far))  # > 0, for the curve begins at FAR 1, FRR 0
    gap_before, gap_after = far[after - 1] - frr[after - 1], frr[after] - far[after]
    share = gap_before / (gap_before + gap_after)
    return float(far[after - 1] + share * (far[after] - far[after - 1]))
