"""The ROC curve, exact; nothing is tabulated before it is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from facezoo.evaluation import arguments
from facezoo.evaluation.direction import refuse_distances
from facezoo.evaluation.operating import check_kinds

Floats = npt.NDArray[np.float64]
Scores = npt.NDArray[np.floating]
Counts = npt.NDArray[np.int64]
_ROUNDING = 1e-9  # a rate times a count that is this close to a whole number is one


@dataclass(frozen=True, eq=False)
class Roc:
    """The curve from nobody accepted (0, 0) to everybody accepted (1, 1), held as the sorted scores.

    Its corners, `far`, `tar` and `threshold`, float64 [n], are computed when they are first asked for: far
    and tar rise, threshold falls from infinity; accepting scores of at least `threshold[n]` gives `far[n]`
    and `tar[n]`. Between corners the curve is straight: across scores where genuine and impostor pairs tie it
    runs slantwise, elsewhere along the axes.
    """

    genuine: Scores
    impostor: Scores

    def at(self, far: npt.ArrayLike) -> Floats:
        """The curve's height at rates in [0, 1], on the straight lines; the top of a vertical stretch.

        Raises FacezooError for other rates.
        """
        accepted = arguments.shares("far", far) * len(self.impostor)
        whole = np.rint(accepted)
        accepted = np.where(np.abs(accepted - whole) <= _ROUNDING * whole, whole, accepted)
        # the next impostor score to be accepted, which may be there several times
        place = len(self.impostor) - 1 - np.floor(accepted).astype(np.int64)
        value = self.impostor[np.maximum(place, 0)]
        first, last = (_accepted(self.impostor, value, side) for side in ("right", "left"))
        low, high = (_accepted(self.genuine, value, side) for side in ("right", "left"))
        height = low + (accepted - first) / (last - first) * (high - low)
        return np.where(place < 0, 1.0, height / len(self.genuine))

    @property
    def far(self) -> Floats:
        """The corners' false accept rates."""
        return self._corners[0]

    @property
    def tar(self) -> Floats:
        """The corners' true accept rates."""
        return self._corners[1]

    @property
    def threshold(self) -> Floats:
        """The corners' thresholds."""
        return self._corners[2]

    @cached_property
    def _corners(self) -> tuple[Floats, Floats, Floats]:
        # A stretch of one kind alone is a straight line, so only scores of the rarer kind can be corners.
        genuine, impostor = self.genuine, self.impostor
        rarer = genuine if len(genuine) <= len(impostor) else impostor
        values = rarer[np.append(True, rarer[1:] != rarer[:-1])][::-1]
        accepted_impostor, accepted_genuine = _around(impostor, values), _around(genuine, values)
        threshold = np.empty(2 * len(values) + 2)
        threshold[0], threshold[-1] = np.inf, min(genuine[0], impostor[0])
        threshold[1:-1:2] = np.nextafter(values.astype(np.float64), np.inf)
        threshold[2:-1:2] = values
        new = (np.diff(accepted_impostor, prepend=-1) > 0) | (np.diff(accepted_genuine, prepend=-1) > 0)
        far, tar = accepted_impostor[new] / len(impostor), accepted_genuine[new] / len(genuine)
        return far, tar, threshold[new]


def roc(scores: npt.ArrayLike, same: npt.ArrayLike, *, distances: bool = False) -> Roc:
    """The ROC curve of scores [P] (the higher the more alike) with truths bool [P].

    Copies the scores once, sorted. With `distances` the scores are distances, and the curve and its
    thresholds those of -distance. Raises FacezooError for arguments of other shapes or kinds, where a kind of
    pair is missing or a score is not finite, and where the AUC is below 0.2.
    """
    ready, truths = arguments.pairs(scores, same, distances=distances)
    genuine, impostor = ready[truths], ready[~truths]
    check_kinds(genuine, impostor)
    refuse_distances(genuine, impostor)
    genuine.sort()
    impostor.sort()
    return Roc(genuine, impostor)


def _accepted(ordered: Scores, values: Scores, side: str) -> Counts:
    """How many of `ordered` lie above the values (side "right"), or at least there ("left")."""
    counts: Counts = len(ordered) - np.searchsorted(ordered, values, "right" if side == "right" else "left")
    return counts


def _around(ordered: Scores, values: Scores) -> Counts:
    """How many of `ordered` are accepted just above and at each of the falling `values`: 0, ..., all."""
    counts = np.empty(2 * len(values) + 2, np.int64)
    counts[0], counts[-1] = 0, len(ordered)
    counts[1:-1:2] = _accepted(ordered, values, "right")
    counts[2:-1:2] = _accepted(ordered, values, "left")
    return counts
