"""The best threshold of many weightings of the same scores at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from facezoo.evaluation.between import between

Floats = npt.NDArray[np.float64]
Columns = npt.NDArray[np.int64]
Integers = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Levels:
    """Distinct scores in rising order: `values` float64 [L], and int64 [P] the level of each sorted score."""

    values: Floats
    first: Columns
    of_pair: Columns

    @classmethod
    def of(cls, ordered: Floats) -> Levels:
        """The levels of sorted scores [P]."""
        new = np.append(True, ordered[1:] != ordered[:-1])
        return cls(ordered[new], np.flatnonzero(new), np.cumsum(new) - 1)

    def sums(self, pairs: Integers) -> Integers:
        """Sums by level, [L, r], of numbers per pair [P, r]."""
        if len(self.values) == len(pairs):
            return pairs
        return np.add.reduceat(pairs, self.first, axis=0, dtype=pairs.dtype)

    def without(self, sums: Integers, some: Columns, pairs: Integers) -> Integers:
        """Sums by level [L, r] less those of `some` pairs, whose numbers are `pairs` [n, r]; a copy."""
        rest = sums.copy()
        if len(self.values) == len(self.of_pair):
            rest[some] = 0
        else:
            np.subtract.at(rest, self.of_pair[some], pairs)
        return rest

    def between(self, level: Columns) -> Floats:
        """The thresholds [r] that accept from a level on: midway from the one below, the lowest for level 0,
        just above all for level L. The level at -inf, of pairs that are never accepted, has no middle.
        """
        low = self.values[np.maximum(level - 1, 0)]
        high = self.values[np.minimum(level, len(self.values) - 1)]
        high = np.where(level == len(self.values), np.nextafter(low, np.inf), high)
        return between(low, high)


def best_thresholds(
    levels: Levels, gain: Integers, present: Callable[[Columns], npt.NDArray[np.bool_]]
) -> Floats:
    """For each weighting, the middle of the widest interval of thresholds with the greatest accuracy, [r].

    `gain` [L, r] is what refusing a level's pairs adds to those judged rightly: impostor less genuine weight.
    `present(columns)` bool [L, n] says for some weightings which levels weigh anything: the outermost of
    those are where the intervals of accepting and of refusing all begin, which have no width: nothing bounds
    them on the other side. Of several as wide the lowest; NaN where nothing weighs anything.
    """
    right = np.zeros((len(gain) + 1, gain.shape[1]), gain.dtype)
    np.cumsum(gain, axis=0, out=right[1:])
    starts, ends, columns = _runs(right == right.max(0))
    low = levels.values[np.maximum(starts - 1, 0)]
    high = levels.values[np.minimum(ends, len(gain) - 1)]
    _mend_outermost(levels, (starts, ends, columns), low, high, present)
    # runs come by column and rising place; the first of those with the greatest width is wanted
    with np.errstate(over="ignore"):
        chosen = np.lexsort((np.arange(len(columns)), low - high, columns))
    first = chosen[np.append(True, np.diff(columns[chosen]) > 0)]
    return between(low[first], high[first])


def _runs(best: npt.NDArray[np.bool_]) -> tuple[Columns, Columns, Columns]:
    """First place, last place and column of each unbroken run of True down the columns, by column."""
    place, column = np.divmod(np.flatnonzero(best), best.shape[1])
    order = np.argsort(column, kind="stable")
    place, column = place[order], column[order]
    begins = np.append(True, (np.diff(place) != 1) | (np.diff(column) != 0))
    return place[begins], place[np.append(begins[1:], True)], column[begins]


def _mend_outermost(
    levels: Levels,
    runs: tuple[Columns, Columns, Columns],
    low: Floats,
    high: Floats,
    present: Callable[[Columns], npt.NDArray[np.bool_]],
) -> None:
    """Begin and end the runs that reach an end of the scores at the outermost scores that weigh something."""
    starts, ends, columns = runs
    last = len(levels.values)
    outer = np.flatnonzero((starts == 0) | (ends == last))
    if not len(outer):
        return
    weighing = present(columns[outer])
    least = levels.values[np.argmax(weighing, axis=0)]
    greatest = levels.values[last - 1 - np.argmax(weighing[::-1], axis=0)]
    above_all = np.nextafter(greatest, np.inf)
    none = ~weighing.any(0)
    begins, finishes = starts[outer] == 0, ends[outer] == last
    low[outer] = np.where(begins, least, np.where(low[outer] >= greatest, above_all, low[outer]))
    high[outer] = np.where(finishes, above_all, high[outer])
    low[outer[none]] = high[outer[none]] = np.nan
