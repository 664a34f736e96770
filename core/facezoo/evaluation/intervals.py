"""Intervals: what every figure is reported with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

from facezoo.errors import FacezooError

LEVEL = 0.95


@dataclass(frozen=True)
class Interval:
    """An interval of confidence `level` and how it was come by, in words."""

    low: float
    high: float
    method: str
    level: float = LEVEL

    def as_dict(self) -> dict[str, Any]:
        """The interval as it is written to JSON."""
        return {"low": self.low, "high": self.high, "level": self.level, "method": self.method}


def wilson(successes: int, trials: int, level: float = LEVEL) -> Interval:
    """The score interval of a proportion (Wilson 1927), for trials that are independent of each other.

    It stays within [0, 1] and has a width at 0 and at all successes too. Raises FacezooError without trials.
    """
    if trials < 1 or not 0 <= successes <= trials:
        message = f"{successes:,} successes in {trials:,} trials have no interval"
        raise FacezooError(message, "A proportion needs at least one trial.")
    z = NormalDist().inv_cdf((1 + level) / 2)
    share, factor = successes / trials, 1 + z * z / trials
    middle = (share + z * z / (2 * trials)) / factor
    half = z / factor * (share * (1 - share) / trials + z * z / (4 * trials * trials)) ** 0.5
    # at the ends the two terms are equal, up to rounding
    low = 0.0 if successes == 0 else max(0.0, middle - half)
    high = 1.0 if successes == trials else min(1.0, middle + half)
    return Interval(low, high, "Wilson, pairs taken as independent", level)


def percentiles(replicates: npt.NDArray[np.floating], method: str, level: float = LEVEL) -> Interval | None:
    """The middle `level` of a figure's replicates [R]; None where no more than half are defined (not NaN)."""
    defined = replicates[np.isfinite(replicates)]
    if 2 * len(defined) <= len(replicates):
        return None
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high), method, level)


def two_sided(replicates: npt.NDArray[np.floating]) -> float:
    """How often a difference's replicates [R] lie on the other side of zero, two-sided: a p value.

    (1 + their number) / (1 + R) on the rarer side, doubled, so that it is never zero; replicates at zero
    count on both sides.
    """
    defined = replicates[np.isfinite(replicates)]
    rarer = min(int((defined <= 0).sum()), int((defined >= 0).sum()))
    return min(1.0, 2 * (1 + rarer) / (1 + len(defined)))


def holm(p_values: Sequence[float]) -> list[float]:
    """p values adjusted for how many there are (Holm 1979), in the order given."""
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=lambda place: p_values[place])):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = largest
    return adjusted
