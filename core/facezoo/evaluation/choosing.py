"""Choosing a threshold for use: for a false accept rate, with its uncertainty, as cosine and as distance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from facezoo.evaluation import arguments
from facezoo.evaluation.bootstrap import REPLICATES, replicates_of
from facezoo.evaluation.identities import PairUnits
from facezoo.evaluation.intervals import Interval, of_share, percentiles
from facezoo.evaluation.operating import OperatingPoint, operating_points


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
    scores: npt.ArrayLike,
    same: npt.ArrayLike,
    far: float,
    units: PairUnits | None,
    *,
    first: npt.ArrayLike | None = None,
    failed: npt.ArrayLike | None = None,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> ChosenThreshold:
    """The threshold for a false accept rate, from cosines [P] and truths bool [P].

    Its interval comes from draws of the identities in `units`; where they are unknown (None), from the order
    statistics of the impostor scores: those whose rates are the ends of Wilson's interval about the rate
    achieved; a pair that is listed again is no trial of its own. `first` and `failed` are as for
    `tar_at_far`. Raises FacezooError as that does.
    """
    ready, truths = arguments.pairs(scores, same, failed=failed)
    far, listed = arguments.number("far", far), arguments.listed(first, truths)
    count, seed = arguments.whole("replicates", replicates, 1), arguments.whole("seed", seed)
    (point,) = operating_points(ready, truths, [far], listed)
    if units is None:
        distinct = truths if listed is None else truths[listed]
        interval = _between_ranks(np.sort(ready[~truths])[::-1], point, int((~distinct).sum()))
        return ChosenThreshold(point, interval, of_share(point.tar, int(distinct.sum())))
    one_fold = np.zeros(len(truths), np.int64)
    drawn = replicates_of(ready, truths, one_fold, units, fars=[far], count=count, seed=seed)
    method = f"{units.words}, {count:,} replicates"
    return ChosenThreshold(point, percentiles(drawn.threshold[0], method), percentiles(drawn.tar[0], method))


def as_distance(cosine: float) -> float:
    """The Euclidean distance of unit vectors with this cosine: sqrt(2 - 2 * cosine)."""
    return max(0.0, 2 - 2 * cosine) ** 0.5


def _between_ranks(falling: npt.NDArray[np.floating], point: OperatingPoint, distinct: int) -> Interval:
    falling = falling[falling > -np.inf]
    share = of_share(point.achieved, distinct)
    most, fewest = int(np.ceil(share.high * point.impostors)), int(share.low * point.impostors)
    low = falling[min(len(falling) - 1, most)]
    high = falling[max(0, fewest - 1)]
    method = "order statistics, pairs taken as independent"
    return Interval(min(float(low), point.threshold), max(float(high), point.threshold), method)
