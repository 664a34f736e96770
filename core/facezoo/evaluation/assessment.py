"""Everything that is said about one set of scored pairs, each figure with its interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from facezoo.evaluation import arguments
from facezoo.evaluation.bootstrap import REPLICATES, Replicates, replicates_of
from facezoo.evaluation.direction import check_direction
from facezoo.evaluation.identities import PairUnits
from facezoo.evaluation.intervals import Interval, of_share, percentiles
from facezoo.evaluation.operating import (
    FEWEST,
    OperatingPoint,
    allowed_impostors,
    lowest_far,
    operating_points,
)
from facezoo.evaluation.verification import Verification, figures_of

FARS: Final = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
"""Rates that are reported unless others are asked for, as far down as the impostor pairs support them."""


@dataclass(frozen=True)
class Distinct:
    """How many pairs of each kind a list names, one that it names again (or mirrored) counted once."""

    genuine: int
    impostor: int

    @classmethod
    def of(cls, same: npt.NDArray[np.bool_], first: npt.NDArray[np.bool_] | None) -> Distinct:
        """Counts of the pairs with truths bool [P] that are listed for the `first` time."""
        counted = same if first is None else same[first]
        genuine = int(counted.sum())
        return cls(genuine, len(counted) - genuine)


@dataclass(frozen=True)
class Assessment:
    """Figures of one set of scored pairs, with intervals (None where a figure or its interval is undefined).

    `tar` belongs to `operating`, one per FAR. `method` says in words what the intervals rest on. `lowest` is
    the lowest FAR that the `distinct` impostor pairs support (None: they support none), and `unsupported` are
    the usual rates from there on that ties or repeated pairs leave without support nevertheless.
    """

    verification: Verification
    accuracy: Interval | None
    auc: Interval | None
    eer: Interval | None
    operating: tuple[OperatingPoint, ...]
    tar: tuple[Interval | None, ...]
    method: str
    lowest: float | None
    distinct: Distinct
    unsupported: tuple[float, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The figures as they are written to JSON."""
        intervals = {"accuracy": self.accuracy, "auc": self.auc, "eer": self.eer}
        points = zip(self.operating, self.tar, strict=True)
        return {
            "verification": self.verification.as_dict(),
            "intervals": {name: _json(interval) for name, interval in intervals.items()},
            "tar_at_far": [{**point.as_dict(), "interval": _json(interval)} for point, interval in points],
            "lowest_far": self.lowest,
            "method": self.method,
            "distinct": asdict(self.distinct),
            "unsupported_far": list(self.unsupported),
        }


def assess(
    scores: npt.ArrayLike,
    same: npt.ArrayLike,
    fold: npt.ArrayLike,
    units: PairUnits | None,
    *,
    fars: npt.ArrayLike | None = None,
    first: npt.ArrayLike | None = None,
    failed: npt.ArrayLike | None = None,
    distances: bool = False,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> Assessment:
    """Verify scored pairs, with intervals from `replicates` draws of the identities in `units`.

    Where identities are unknown (`units` None), accuracy and TAR get Wilson's interval, which takes distinct
    pairs for independent; AUC and EER get none. `fars` None is `FARS` as far as they are supported; given
    ones must be. `first` bool [P] is True where a pair is listed for the first time (None: each is listed
    once); `failed` and `distances` are as for `verify`. Raises FacezooError as `verify` and `tar_at_far` do.
    """
    ready, truths = arguments.pairs(scores, same, failed=failed, distances=distances)
    check_direction(ready, truths)
    folds, listed = arguments.folds(fold, len(truths)), arguments.listed(first, truths)
    count, seed = arguments.whole("replicates", replicates), arguments.whole("seed", seed)
    verification, distinct = figures_of(ready, truths, folds), Distinct.of(truths, listed)
    both = distinct.genuine > 0 and distinct.impostor > 0
    asked = supported(FARS, distinct.impostor) if fars is None else arguments.rates("fars", fars)
    given = fars is not None
    operating = (
        tuple(operating_points(ready, truths, asked, listed, must=given)) if asked and (both or given) else ()
    )
    reached = [point.far for point in operating]
    drawn = None
    if units is not None and count:
        drawn = replicates_of(ready, truths, folds, units, fars=reached, count=count, seed=seed)
    return Assessment(
        verification=verification,
        operating=operating,
        lowest=lowest_far(distinct.impostor) if both else None,
        distinct=distinct,
        unsupported=tuple(far for far in asked if far not in reached) if both else (),
        **(
            _independent(verification, folds, operating, distinct)
            if units is None or drawn is None
            else _drawn(drawn, f"{units.words}, {count:,} replicates")
        ),
    )


def supported(fars: Sequence[float], impostors: int) -> tuple[float, ...]:
    """Those of `fars` that at least ten of `impostors` pairs lie above."""
    return tuple(far for far in fars if allowed_impostors(far, impostors) >= FEWEST)


def _drawn(drawn: Replicates, method: str) -> dict[str, Any]:
    """The intervals of a bootstrap."""
    return {
        "accuracy": percentiles(drawn.accuracy, method),
        "auc": percentiles(drawn.auc, method),
        "eer": percentiles(drawn.eer, method),
        "tar": tuple(percentiles(row, method) for row in drawn.tar),
        "method": method,
    }


def _independent(
    verification: Verification,
    fold: npt.NDArray[np.int64],
    operating: tuple[OperatingPoint, ...],
    distinct: Distinct,
) -> dict[str, Any]:
    """The intervals that there are without identities."""
    sizes = np.unique(fold, return_counts=True)[1]
    right = int(np.rint(np.array(verification.fold_accuracy) * sizes).sum())
    accuracy = of_share(right / int(sizes.sum()), distinct.genuine + distinct.impostor)
    return {
        "accuracy": accuracy,
        "auc": None,
        "eer": None,
        "tar": tuple(of_share(point.tar, distinct.genuine) for point in operating),
        "method": accuracy.method,
    }


def _json(interval: Interval | None) -> Mapping[str, Any] | None:
    return None if interval is None else interval.as_dict()
