"""Accuracy at a threshold that was not chosen on the pairs, such as the one that a loss learned."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from facezoo.evaluation.bootstrap import REPLICATES, draws
from facezoo.evaluation.identities import PairUnits
from facezoo.evaluation.intervals import Interval, percentiles, wilson


@dataclass(frozen=True)
class FixedThreshold:
    """What a threshold does to pairs that had no say in it: one is accepted where its score is at least
    `threshold`.

    `accuracy` is the share of all pairs judged rightly, with its interval; `far` and `tar` are the shares of
    impostor and of genuine pairs accepted, None where there are none.
    """

    threshold: float
    accuracy: float
    interval: Interval | None
    far: float | None
    tar: float | None

    def as_dict(self) -> dict[str, Any]:
        """The figures as they are written to JSON."""
        return {**asdict(self), "interval": self.interval and self.interval.as_dict()}


def at_threshold(
    scores: npt.NDArray[np.floating],
    same: npt.NDArray[np.bool_],
    threshold: float,
    units: PairUnits | None,
    *,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> FixedThreshold:
    """Judge pairs, scores [P] and truths bool [P], by a fixed threshold.

    The interval comes from draws of the identities in `units`; where they are unknown (None), or nothing is
    to be drawn, it is Wilson's.
    """
    accepted = scores >= threshold
    right = accepted == same
    return FixedThreshold(
        threshold=threshold,
        accuracy=float(right.mean()),
        interval=_interval(right, same, units, replicates, seed),
        far=_share(accepted[~same]),
        tar=_share(accepted[same]),
    )


def _interval(
    right: npt.NDArray[np.bool_], same: npt.NDArray[np.bool_], units: PairUnits | None, count: int, seed: int
) -> Interval | None:
    if units is None or count == 0:
        return wilson(int(right.sum()), len(right))
    with np.errstate(invalid="ignore"):  # a draw in which no pair weighs anything has no accuracy
        shares = [weights[right].sum(0) / weights.sum(0) for weights in draws(units, same, count, seed)]
    return percentiles(np.concatenate(shares), f"{units.words}, {count:,} replicates")


def _share(accepted: npt.NDArray[np.bool_]) -> float | None:
    return float(accepted.mean()) if len(accepted) else None
