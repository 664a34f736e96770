"""Accuracy at a threshold that was not chosen on the pairs, such as the one that a loss learned."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from facezoo.errors import FacezooError
from facezoo.evaluation import arguments
from facezoo.evaluation.bootstrap import REPLICATES, draws
from facezoo.evaluation.direction import check_direction
from facezoo.evaluation.identities import PairUnits, check_units
from facezoo.evaluation.intervals import Interval, of_share, percentiles


@dataclass(frozen=True)
class FixedThreshold:
    """Accuracy, FAR and TAR at a threshold that was not chosen on these pairs.

    A pair is accepted where its score is at least `threshold`. `accuracy` is the share of all pairs judged
    rightly, with its interval; `far` and `tar` are the shares of impostor and of genuine pairs accepted, None
    where there are none.
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
    scores: npt.ArrayLike,
    same: npt.ArrayLike,
    threshold: float,
    units: PairUnits | None,
    *,
    first: npt.ArrayLike | None = None,
    failed: npt.ArrayLike | None = None,
    distances: bool = False,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> FixedThreshold:
    """Judge pairs, scores [P] and truths bool [P], by a fixed threshold.

    The interval comes from draws of the identities in `units`; where they are unknown (None), or nothing is
    to be drawn, it is Wilson's, of as many trials as pairs are distinct. `first` and `failed` are as for
    `tar_at_far`; with `distances` a pair is accepted where its distance is at most `threshold`. Raises
    FacezooError for arguments of other shapes or kinds, and where there is no pair, a score is not finite or
    the AUC is below 0.2.
    """
    ready, truths = arguments.pairs(scores, same, failed=failed, distances=distances)
    arguments.number("threshold", threshold)
    count, seed = arguments.whole("replicates", replicates), arguments.whole("seed", seed)
    if not len(truths):
        raise FacezooError("no pairs to judge by a threshold", "Give at least one.")
    check_direction(ready, truths)
    listed = arguments.listed(first, truths)
    accepted = ready >= (-threshold if distances else threshold)
    right = accepted == truths
    distinct = len(truths) if listed is None else int(listed.sum())
    return FixedThreshold(
        threshold=float(threshold),
        accuracy=float(right.mean()),
        interval=_interval(right, truths, units, distinct, count, seed),
        far=_share(accepted[~truths]),
        tar=_share(accepted[truths]),
    )


def _interval(
    right: npt.NDArray[np.bool_],
    same: npt.NDArray[np.bool_],
    units: PairUnits | None,
    distinct: int,
    count: int,
    seed: int,
) -> Interval | None:
    if units is None or count == 0:
        return of_share(float(right.mean()), distinct)
    check_units(units, same)
    with np.errstate(invalid="ignore"):  # a draw in which no pair weighs anything has no accuracy
        shares = [weights[right].sum(0) / weights.sum(0) for weights in draws(units, same, count, seed)]
    return percentiles(np.concatenate(shares), f"{units.words}, {count:,} replicates")


def _share(accepted: npt.NDArray[np.bool_]) -> float | None:
    return float(accepted.mean()) if len(accepted) else None
