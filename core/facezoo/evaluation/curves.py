"""The area under the ROC curve, of lists of any length."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from facezoo.evaluation import arguments

Scores = npt.NDArray[np.floating]


def area_under_curve(scores: npt.ArrayLike, same: npt.ArrayLike) -> float | None:
    """The area under the ROC curve: P(genuine score > impostor score) + P(equal) / 2, exact.

    Counted in whole numbers over all genuine-impostor combinations (Mann-Whitney), so ties are exact too.
    None where a kind is missing. `scores` [P], the higher the more alike; `same` bool [P]. Raises
    FacezooError for scores that are not finite and for other shapes. An AUC near 0, of distances, is returned
    as it is.
    """
    ready, truths = arguments.pairs(scores, same)
    return area_of(ready[truths], ready[~truths]) if truths.any() and not truths.all() else None


def area_of(genuine: Scores, impostor: Scores) -> float:
    """The area under the curve of the scores of both kinds, of which there must be some."""
    impostor = np.sort(impostor)
    below = int(np.searchsorted(impostor, genuine, "left").sum())
    not_above = int(np.searchsorted(impostor, genuine, "right").sum())
    return (below + not_above) / (2 * len(genuine) * len(impostor))
