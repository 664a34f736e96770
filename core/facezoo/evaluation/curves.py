"""Figures of the whole score distribution: area under the ROC curve, equal error rate."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def area_under_curve(scores: npt.NDArray[np.floating], same: npt.NDArray[np.bool_]) -> float | None:
    """The area under the ROC curve: P(genuine score > impostor score) + P(equal) / 2, exact.

    Counted in whole numbers over all genuine-impostor combinations (Mann-Whitney), so ties are exact too.
    None where a kind is missing. `scores` [P], the higher the more alike; `same` bool [P].
    """
    genuine, impostor = scores[same], np.sort(scores[~same])
    if not len(genuine) or not len(impostor):
        return None
    below = int(np.searchsorted(impostor, genuine, "left").sum())
    not_above = int(np.searchsorted(impostor, genuine, "right").sum())
    return (below + not_above) / (2 * len(genuine) * len(impostor))


def error_rates(
    scores: npt.NDArray[np.floating], same: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """FAR and FRR of accepting scores >= t, for t at each distinct score in rising order and above them all.

    Both float64 [distinct + 1]; FAR falls from 1 to 0 and FRR rises from 0 to 1. Both kinds must be present.
    """
    thresholds = np.unique(scores)
    genuine, impostor = np.sort(scores[same]), np.sort(scores[~same])
    frr = np.append(np.searchsorted(genuine, thresholds, "left"), len(genuine)) / len(genuine)
    far = 1 - np.append(np.searchsorted(impostor, thresholds, "left"), len(impostor)) / len(impostor)
    return far, frr


def equal_error_rate(scores: npt.NDArray[np.floating], same: npt.NDArray[np.bool_]) -> float | None:
    """Where the false accept rate equals the false reject rate, on the ROC curve drawn with straight lines.

    None where a kind is missing.
    """
    if same.all() or not same.any():
        return None
    far, frr = error_rates(scores, same)
    after = int(np.argmax(frr >= far))  # > 0, for the curve begins at FAR 1, FRR 0
    gap_before, gap_after = far[after - 1] - frr[after - 1], frr[after] - far[after]
    share = gap_before / (gap_before + gap_after)
    return float(far[after - 1] + share * (far[after] - far[after - 1]))
