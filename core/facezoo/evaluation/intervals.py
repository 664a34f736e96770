"""Intervals: what every figure is reported with."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from facezoo.errors import FacezooError
from facezoo.evaluation import arguments
from facezoo.table import LEVEL as LEVEL  # noqa: PLC0414 (where statisticians look for it)
from facezoo.table import Interval as Interval  # noqa: PLC0414


def wilson(successes: int, trials: int, level: float = LEVEL) -> Interval:
    """The score interval of a proportion (Wilson 1927), for trials that are independent of each other.

    It stays within [0, 1] and has a width at 0 and at all successes too. Raises FacezooError without trials.
    """
    trials, successes = arguments.whole("trials", trials), arguments.whole("successes", successes)
    if trials < 1 or successes > trials:
        message = f"{successes:,} successes in {trials:,} trials have no interval"
        raise FacezooError(message, "A proportion needs at least one trial.")
    return of_share(successes / trials, trials, level)


def of_share(share: float, trials: int, level: float = LEVEL) -> Interval:
    """Wilson's interval of a share that rests on so many independent trials.

    A list that names pairs again has fewer distinct ones than lines, and it is those that are trials.
    """
    z = NormalDist().inv_cdf((1 + _level(level)) / 2)
    factor = 1 + z * z / trials
    middle = (share + z * z / (2 * trials)) / factor
    half = z / factor * (share * (1 - share) / trials + z * z / (4 * trials * trials)) ** 0.5
    # at the ends the two terms are equal, up to rounding
    low = 0.0 if share == 0 else max(0.0, middle - half)
    high = 1.0 if share == 1 else min(1.0, middle + half)
    return Interval(low, high, "Wilson, pairs taken as independent", level)


def percentiles(replicates: npt.ArrayLike, method: str, level: float = LEVEL) -> Interval | None:
    """The middle `level` of a figure's replicates [R]; None where no more than half are defined (not NaN)."""
    drawn = arguments.replicates(replicates)
    defined, level = drawn[np.isfinite(drawn)], _level(level)
    if 2 * len(defined) <= len(drawn):
        return None
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high), method, level)


def two_sided(replicates: npt.ArrayLike) -> float:
    """How often a difference's replicates [R] lie on the other side of zero, two-sided: a p value.

    (1 + their number) / (1 + R) on the rarer side, doubled, so that it is never zero; replicates at zero
    count on both sides.
    """
    drawn = arguments.replicates(replicates)
    defined = drawn[np.isfinite(drawn)]
    rarer = min(int((defined <= 0).sum()), int((defined >= 0).sum()))
    return min(1.0, 2 * (1 + rarer) / (1 + len(defined)))


def holm(p_values: Sequence[float]) -> list[float]:
    """p values, each in [0, 1], adjusted for how many there are (Holm 1979), in the order given."""
    values = [arguments.number("p_values", value, 0, 1) for value in arguments.rates("p_values", p_values)]
    adjusted = [0.0] * len(values)
    largest = 0.0
    for rank, place in enumerate(sorted(range(len(values)), key=lambda place: values[place])):
        largest = max(largest, min(1.0, (len(values) - rank) * values[place]))
        adjusted[place] = largest
    return adjusted


def _level(level: float) -> float:
    if not 0 < arguments.number("level", level) < 1:
        raise FacezooError(f"level: {level}", "Give a share between 0 and 1, such as 0.95.")
    return float(level)
