"""Everything that is said about one set of scored pairs, each figure with its interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from facezoo.evaluation.bootstrap import REPLICATES, replicate
from facezoo.evaluation.identities import PairUnits
from facezoo.evaluation.intervals import Interval, percentiles, wilson
from facezoo.evaluation.operating import FEWEST, OperatingPoint, allowed_impostors, tar_at_far
from facezoo.evaluation.verification import Verification, verify

FARS: Final = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
"""Rates that are reported unless others are asked for, as far down as the impostor pairs support them."""


@dataclass(frozen=True)
class Assessment:
    """Figures of one set of scored pairs, with intervals (None where a figure or its interval is undefined).

    `tar` belongs to `operating`, one a FAR. `method` says in words what the intervals rest on, and `lowest`
    is the lowest FAR that the impostor pairs support (None: they support none).
    """

    verification: Verification
    accuracy: Interval | None
    auc: Interval | None
    eer: Interval | None
    operating: tuple[OperatingPoint, ...]
    tar: tuple[Interval | None, ...]
    method: str
    lowest: float | None

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
        }


def assess(
    scores: npt.NDArray[np.floating],
    same: npt.NDArray[np.bool_],
    fold: npt.NDArray[np.int64],
    units: PairUnits | None,
    *,
    fars: Sequence[float] | None = None,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> Assessment:
    """Verify scored pairs, with intervals from `replicates` draws of the identities in `units`.

    Where identities are unknown (`units` None), accuracy and TAR get Wilson's interval, which takes pairs for
    independent; AUC and EER get none. `fars` None is `FARS` as far as they are supported; given ones must be.
    Raises FacezooError as `verify` and `tar_at_far` do.
    """
    verification = verify(scores, same, fold)
    both = verification.genuine > 0 and verification.impostor > 0
    asked = supported(FARS, verification.impostor) if fars is None else tuple(fars)
    operating = tuple(tar_at_far(scores, same, asked)) if asked and (both or fars) else ()
    lowest = FEWEST / verification.impostor if both and verification.impostor >= FEWEST else None
    if units is None or replicates == 0:
        return _without_identities(verification, fold, operating, lowest)
    drawn = replicate(scores, same, fold, units, fars=asked, count=replicates, seed=seed)
    method = f"{units.words}, {replicates:,} replicates"
    return Assessment(
        verification=verification,
        accuracy=percentiles(drawn.accuracy, method),
        auc=percentiles(drawn.auc, method),
        eer=percentiles(drawn.eer, method),
        operating=operating,
        tar=tuple(percentiles(row, method) for row in drawn.tar[: len(operating)]),
        method=method,
        lowest=lowest,
    )


def supported(fars: Sequence[float], impostors: int) -> tuple[float, ...]:
    """Those of `fars` that at least ten of `impostors` pairs lie above."""
    return tuple(far for far in fars if allowed_impostors(far, impostors) >= FEWEST)


def _without_identities(
    verification: Verification,
    fold: npt.NDArray[np.int64],
    operating: tuple[OperatingPoint, ...],
    lowest: float | None,
) -> Assessment:
    sizes = np.unique(fold, return_counts=True)[1]
    right = int(np.rint(np.array(verification.fold_accuracy) * sizes).sum())
    accuracy = wilson(right, int(sizes.sum()))
    return Assessment(
        verification=verification,
        accuracy=accuracy,
        auc=None,
        eer=None,
        operating=operating,
        tar=tuple(wilson(point.accepted_genuine, point.genuine) for point in operating),
        method=accuracy.method,
        lowest=lowest,
    )


def _json(interval: Interval | None) -> Mapping[str, Any] | None:
    return None if interval is None else interval.as_dict()
