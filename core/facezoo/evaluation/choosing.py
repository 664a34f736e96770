"""Choosing a threshold for use: for a false accept rate, with its uncertainty, as cosine and as distance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from facezoo.evaluation.bootstrap import REPLICATES, replicate
from facezoo.evaluation.identities import PairUnits
from facezoo.evaluation.intervals import Interval, percentiles, wilson
from facezoo.evaluation.operating import OperatingPoint, tar_at_far


@dataclass(frozen=True)
class ChosenThreshold:
    """A threshold on cosines: accept a pair whose cosine is at least `point.threshold`.

    On unit embeddings that is an Euclidean distance of at most `l2` = sqrt(2 - 2 * cosine), in [0, 2].
    `interval` is of the cosine, `l2_interval` the same as distances, `tar` that of `point.tar`.
    """

    point: OperatingPoint
    interval: Interval | None
    tar: Interval | None

    @property
    def l2(self) -> float:
        """The threshold as a distance of unit embeddings."""
        return as_distance(self.point.threshold)

    @property
    def l2_interval(self) -> Interval | None:
        """The interval as distances; a greater cosine is a smaller distance."""
        if self.interval is None:
            return None
        low, high = as_distance(self.interval.high), as_distance(self.interval.low)
        return Interval(low, high, self.interval.method, self.interval.level)

    def as_dict(self) -> dict[str, Any]:
        """The threshold as it is written to JSON."""
        intervals = {"cosine": self.interval, "l2": self.l2_interval, "tar": self.tar}
        return {
            "cosine": self.point.threshold,
            "l2": self.l2,
            "operating_point": self.point.as_dict(),
            "intervals": {name: part and part.as_dict() for name, part in intervals.items()},
        }


def choose_threshold(
    scores: npt.NDArray[np.floating],
    same: npt.NDArray[np.bool_],
    far: float,
    units: PairUnits | None,
    *,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> ChosenThreshold:
    """The threshold for a false accept rate, from cosines [P] and truths bool [P].

    Its interval comes from draws of the identities in `units`; where they are unknown (None), from the order
    statistics of the impostor scores: those whose rates are the ends of Wilson's interval about the rate
    achieved. Raises FacezooError as `tar_at_far` does.
    """
    (point,) = tar_at_far(scores, same, [far])
    if units is None:
        interval = _between_ranks(np.sort(scores[~same])[::-1], point)
        return ChosenThreshold(point, interval, wilson(point.accepted_genuine, point.genuine))
    one_fold = np.zeros(len(same), np.int64)
    drawn = replicate(scores, same, one_fold, units, fars=[far], count=replicates, seed=seed)
    method = f"{units.words}, {replicates:,} replicates"
    return ChosenThreshold(point, percentiles(drawn.threshold[0], method), percentiles(drawn.tar[0], method))


def as_distance(cosine: float) -> float:
    """The Euclidean distance of unit vectors with this cosine: sqrt(2 - 2 * cosine)."""
    return max(0.0, 2 - 2 * cosine) ** 0.5


def _between_ranks(falling: npt.NDArray[np.floating], point: OperatingPoint) -> Interval:
    share = wilson(point.accepted_impostors, point.impostors)
    most, fewest = int(np.ceil(share.high * point.impostors)), int(share.low * point.impostors)
    low = falling[min(len(falling) - 1, most)]
    high = falling[max(0, fewest - 1)]
    method = "order statistics, pairs taken as independent"
    return Interval(min(float(low), point.threshold), max(float(high), point.threshold), method)
