"""Whether scores grow with likeness, as every figure takes for granted, or are distances."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from facezoo.errors import FacezooError
from facezoo.evaluation.curves import area_of

LOWEST: Final = 0.2
"""Scores with a lower AUC are taken to point the wrong way: no recogniser is that much worse than chance."""
_SAMPLE: Final = 10_000
_PLAINLY: Final = 0.3  # a sample's AUC at which that of all scores is not below LOWEST

_HINT: Final = (
    "If the scores are distances, say so (distances=True; --distances beside --scores). "
    "If they are not, genuine and impostor (1 and 0) may be exchanged in the labels."
)


def check_direction(scores: npt.NDArray[np.floating], same: npt.NDArray[np.bool_]) -> None:
    """Raise FacezooError where the AUC of scores [P] with truths bool [P] is below `LOWEST`.

    Scores of -inf, of pairs that are never accepted, have no say. Of long lists a sample is looked at first,
    so that nothing is sorted for what is plainly right.
    """
    genuine, impostor = scores[same], scores[~same]
    refuse_distances(genuine[genuine > -np.inf], impostor[impostor > -np.inf])


def refuse_distances(genuine: npt.NDArray[np.floating], impostor: npt.NDArray[np.floating]) -> None:
    """`check_direction` for scores that are separated by kind already."""
    if not len(genuine) or not len(impostor):
        return
    if len(genuine) + len(impostor) > 4 * _SAMPLE:
        sampled = area_of(_some(genuine), _some(impostor))
        if sampled >= _PLAINLY:
            return
    refuse_area(area_of(genuine, impostor), "genuine pairs score lower than impostor pairs")


def refuse_area(auc: float, meaning: str) -> None:
    """Raise FacezooError where an AUC is below `LOWEST`, with what that means."""
    if auc < LOWEST:
        raise FacezooError(f"the AUC is {auc:.4f}: {meaning}", _HINT)


def _some(scores: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    """At most about `_SAMPLE` of the scores, evenly spread over their order."""
    return scores[:: max(1, len(scores) // _SAMPLE)]
