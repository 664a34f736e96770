"""The figures of all pairs, for any weights of the identities; those of all weights 1 are the set's own.

Where identity a is drawn n_a times, its genuine pairs weigh n_a, an impostor pair of a and b n_a * n_b. The
greatest impostor scores are weighed pair by pair. Of the others, too many to hold, what weights add to the
exact counts is taken to first order: a pair of a and b adds (n_a - 1) + (n_b - 1), read off the histograms of
the identities, and the total is put right. Sets whose impostor pairs are all held are exact in every draw.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from facezoo.evaluation.operating import allowed_impostors
from facezoo_allpairs.crossing import LEVELS, LOWEST, Crossed

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]
Times = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True, eq=False)
class Weighed:
    """Crossed scores with how many `images` [U] of each identity there are, and how many `enrolled` [U]."""

    crossed: Crossed
    images: Numbers
    enrolled: Numbers

    @property
    def genuine(self) -> int:
        """All genuine pairs, those with images that failed to enrol too."""
        return int(_within(self.images).sum())

    @property
    def impostors(self) -> int:
        """All impostor pairs."""
        return int(_between(self.images[:, None])[0])

    def figures(self, times: Times, fars: Sequence[float]) -> dict[str, Floats]:
        """AUC, EER and TAR at each rate, [r], where the identities weigh `times` [U, r]."""
        drawn = _Drawn(self, times.astype(np.float64))
        with np.errstate(invalid="ignore", divide="ignore"):
            found = {"auc": drawn.area(), "eer": drawn.equal_error()}
            return found | {f"tar@far {far:g}": drawn.tar(far) for far in fars}

    @cached_property
    def identities_from(self) -> Floats:
        """How many pairs of each identity score at least what a level begins with, [U, LEVELS + 1]."""
        rising = np.cumsum(self.crossed.of_identity[:, ::-1], axis=1)[:, ::-1]
        return np.column_stack([rising, np.zeros(len(rising))]).astype(np.float64)


class _Drawn:
    """The scores under weights `n` [U, r] of the identities. Levels are the L distinct genuine scores."""

    def __init__(self, weighed: Weighed, n: Floats) -> None:
        self.crossed = crossed = weighed.crossed
        self.columns = np.arange(n.shape[1])
        self.total = _between(n * weighed.images[:, None])
        self.enrolled = _between(n * weighed.enrolled[:, None])
        self.genuine = _within(weighed.images) @ n
        weight = n[crossed.whose]
        distinct = len(crossed.first) == len(weight)
        self.weight = weight if distinct else np.add.reduceat(weight, crossed.first, axis=0)
        self.refused = np.zeros((len(self.weight) + 1, n.shape[1]))
        np.cumsum(self.weight, axis=0, out=self.refused[1:])
        self.refused += self.genuine - self.refused[-1]  # what failed to enrol
        self.held = np.zeros((len(crossed.held) + 1, n.shape[1]))
        np.cumsum(n[crossed.held_left] * n[crossed.held_right], axis=0, out=self.held[1:])
        self.rest = crossed.impostors - len(crossed.held)
        if self.rest:
            self._look_beyond(weighed.identities_from.T @ (n - 1))

    def _look_beyond(self, change: Floats) -> None:
        """What weights change in the counts of pairs that are not held, [LEVELS + 1, r]."""
        low, share = _at(self.crossed.held[-1:])
        self.change = change - (change[low] * (1 - share) + change[low + 1] * share)
        self.remainder = (self.enrolled - self.held[-1]) - (self.rest + self.change[0])

    def impostors(self, levels: Numbers, counts: Numbers, columns: Numbers) -> Floats:
        """The weight of the `counts` impostors above genuine scores, each in one draw. All broadcast."""
        beyond = counts - len(self.crossed.held)
        found: Floats = self.held[np.minimum(counts, len(self.crossed.held)), columns]
        if not self.rest or not (beyond > 0).any():
            return found
        low, share = _at(self.crossed.genuine[levels])
        change = self.change[low, columns] * (1 - share) + self.change[low + 1, columns] * share
        further = beyond + change + self.remainder[columns] * (beyond / self.rest)
        return np.where(beyond > 0, np.clip(found + further, found, self.enrolled[columns]), found)

    def area(self) -> Floats:
        """AUC."""
        beaten = self.weight.sum(0) * self.total - self._losing(self.crossed.least)
        if not np.array_equal(self.crossed.least, self.crossed.above):  # ties count half
            beaten += (self._losing(self.crossed.least) - self._losing(self.crossed.above)) / 2
        beaten += self.refused[0] * (self.total - self.enrolled) / 2
        return beaten / (self.genuine * self.total)

    def _losing(self, counts: Numbers) -> Floats:
        """The weight of all genuine pairs, each times that of the `counts` [L] impostors above it."""
        beyond = int((counts > len(self.crossed.held)).sum())  # the first of them: counts fall
        levels = np.arange(beyond)[:, None]
        low = self.impostors(levels, counts[:beyond, None], self.columns)
        of_low = np.einsum("lr,lr->r", self.weight[:beyond], low)
        return of_low + np.einsum("lr,lr->r", self.weight[beyond:], self.held[counts[beyond:]])

    def tar(self, far: float) -> Floats:
        """The share of the genuine pairs above the threshold that a share `far` of the impostors reaches."""
        allowed = np.array([allowed_impostors(far, round(whole)) for whole in self.total.tolist()])
        first = self._first(lambda level: self._least(level) <= allowed)
        return 1 - self.refused[first, self.columns] / self.genuine

    def equal_error(self) -> Floats:
        """Where false accepts are as frequent as false rejects, on the curve drawn with straight lines.

        Between two genuine scores the false reject rate stays, and the false accept rate falls; across a
        genuine score the curve runs straight from one stretch to the next.
        """
        after = self._first(lambda level: self._frr(level) >= self._least(level) / self.total)
        frr, begins = self._frr(after), self._above(after - 1) / self.total
        far_before, frr_before = self._least(after - 1) / self.total, self._frr(after - 1)
        gap = (far_before - frr_before) / ((far_before - frr_before) + (frr - begins))
        return np.where(begins >= frr, frr, far_before + gap * (begins - far_before))

    def _first(self, holds: Callable[[Numbers], npt.NDArray[np.bool_]]) -> Numbers:
        """The first level in [0, L] from which on a condition holds, per draw, by bisection."""
        low, high = np.zeros_like(self.columns), np.full_like(self.columns, len(self.weight))
        while (low < high).any():
            middle = (low + high) // 2
            found = holds(middle)
            low, high = np.where(found | (low == high), low, middle + 1), np.where(found, middle, high)
        return low

    def _frr(self, level: Numbers) -> Floats:
        """The false reject rate where the threshold is on a level; 0 below all that is enrolled."""
        return np.where(level < 0, 0, self.refused[np.maximum(level, 0), self.columns] / self.genuine)

    def _least(self, level: Numbers) -> Floats:
        """The weight of the impostors at least on a level; none above all, all of them below."""
        return self._weigh(level, self.crossed.least, self.total)

    def _above(self, level: Numbers) -> Floats:
        """The weight of the impostors above a level; those that are enrolled below all."""
        return self._weigh(level, self.crossed.above, self.enrolled)

    def _weigh(self, level: Numbers, counts: Numbers, below_all: Floats) -> Floats:
        inside = np.clip(level, 0, len(counts) - 1)
        found = self.impostors(inside, counts[inside], self.columns)
        return np.where(level < 0, below_all, np.where(level >= len(counts), 0, found))


def _within(images: Numbers) -> Numbers:
    return images * (images - 1) // 2


def _between(images: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Pairs of two identities with so many images [U, r]."""
    return (images.sum(0) ** 2 - (images**2).sum(0)) / 2


def _at(scores: Floats) -> tuple[Numbers, Floats]:
    """Which level each score lies in, and how far into it, in [0, 1]."""
    place = (scores - LOWEST) * (LEVELS / (-2 * LOWEST))
    low = place.astype(np.int64)
    return low, place - low
