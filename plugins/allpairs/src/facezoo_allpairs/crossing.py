"""All images against all others, block by block: what is kept of N^2 scores so that the figures are exact.

Kept are every genuine score with the number of impostors above it, the greatest `HELD` impostor scores with
whose they are, and a histogram for each identity. From the first come AUC, EER and TAR at any rate; the
others are for draws of identities, and to find thresholds in a second pass.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]
HELD: Final = 2**17
"""Impostor pairs that are kept with their identities: the least likely to be told apart."""
ELEMENTS: Final = 2**22
"""Scores of a block, unless one identity alone has more."""
LEVELS: Final = 2**8
"""Intervals of the histograms, from `LOWEST` to -LOWEST."""
LOWEST: Final = -1.000001
"""Rounding may take a cosine a little beyond 1."""


@dataclass(frozen=True)
class Block:
    """Scores of the impostor pairs of some images with later ones, [m] each, and their identities' codes."""

    scores: Floats
    left: Numbers
    right: Numbers


@dataclass(frozen=True, eq=False)
class Crossed:
    """What was kept, of U identities. `genuine` float64 [L] are the distinct genuine scores in rising order.

    `first` [L] is where each begins among all genuine pairs in rising order, whose identities are `whose`
    [G]; `least` and `above` [L] count the impostors that score at least that, and more. `held` are the
    greatest impostor scores in falling order, of the identities `held_left` and `held_right`. `of_identity`
    [U, LEVELS] is the histogram of the impostor pairs that each identity takes part in.
    """

    genuine: Floats
    first: Numbers
    whose: Numbers
    least: Numbers
    above: Numbers
    held: Floats
    held_left: Numbers
    held_right: Numbers
    of_identity: Numbers
    impostors: int


def cross(units: Floats, codes: Numbers, held: int = HELD) -> Crossed:
    """All pairs of unit vectors [N, D] of identities with codes int64 [N] in [0, U)."""
    order = np.argsort(codes, kind="stable")
    units, codes = units[order], codes[order]
    scores, whose = _genuine(units, codes)
    ranked = np.argsort(scores, kind="stable")
    scores, whose = scores[ranked], whose[ranked]
    values, first = np.unique(scores, return_index=True)
    counting = _Counting(values, int(codes.max()) + 1, _Greatest(held))
    for block in blocks(units, codes):
        counting.add(block)
    found = counting.greatest
    found.prune()
    return Crossed(
        genuine=values,
        first=first,
        whose=whose,
        least=counting.total - counting.below,
        above=counting.total - counting.not_above,
        held=found.scores,
        held_left=found.left,
        held_right=found.right,
        of_identity=counting.of_identity,
        impostors=counting.total,
    )


def blocks(units: Floats, codes: Numbers) -> Iterator[Block]:
    """The impostor pairs of unit vectors [N, D], which must be sorted by their codes int64 [N]."""
    count, start = len(units), 0
    while start < count:
        stop = start + max(1, ELEMENTS // (count - start))
        stop = int(np.searchsorted(codes, codes[min(stop, count) - 1], "right"))  # whole identities
        inner = np.triu(codes[start:stop, None] != codes[start:stop])
        rows, columns = np.nonzero(inner)
        among = (units[start:stop] @ units[start:stop].T)[inner]
        yield Block(among, codes[start:stop][rows], codes[start:stop][columns])
        if stop < count:
            scores = (units[start:stop] @ units[stop:].T).ravel()
            left = np.repeat(codes[start:stop], count - stop)
            yield Block(scores, left, np.tile(codes[stop:], stop - start))
        start = stop


@dataclass
class Bracket:
    """An interval of scores, and the impostors met there: how many are greater, and the least of those."""

    low: float
    high: float
    inside: list[Floats] = field(default_factory=list)
    greater: int = 0
    least: float = np.inf

    def add(self, scores: Floats) -> None:
        """Take in a block."""
        beyond = scores > self.high
        self.greater += int(beyond.sum())
        self.least = min(self.least, float(np.min(scores, where=beyond, initial=np.inf)))
        self.inside.append(scores[(scores >= self.low) & ~beyond])

    @property
    def falling(self) -> Floats:
        """The scores inside, in falling order."""
        return np.sort(np.concatenate(self.inside))[::-1]


def fill(units: Floats, codes: Numbers, brackets: Sequence[Bracket]) -> None:
    """Go through all impostor pairs once more for these brackets."""
    order = np.argsort(codes, kind="stable")
    for block in blocks(units[order], codes[order]):
        for bracket in brackets:
            bracket.add(block.scores)


@dataclass
class _Greatest:
    """The greatest scores of all blocks so far, and whose they are."""

    most: int
    scores: Floats = field(default_factory=lambda: np.empty(0))
    left: Numbers = field(default_factory=lambda: np.empty(0, np.int64))
    right: Numbers = field(default_factory=lambda: np.empty(0, np.int64))
    least: float = -np.inf

    def add(self, block: Block) -> None:
        some = np.flatnonzero(block.scores >= self.least)
        self.scores = np.concatenate([self.scores, block.scores[some]])
        self.left = np.concatenate([self.left, block.left[some]])
        self.right = np.concatenate([self.right, block.right[some]])
        if len(self.scores) > 2 * self.most:
            self.prune()

    def prune(self) -> None:
        """Keep what must be kept, in falling order."""
        order = np.argsort(-self.scores, kind="stable")[: self.most]
        self.scores, self.left, self.right = self.scores[order], self.left[order], self.right[order]
        if len(order) == self.most:
            self.least = float(self.scores[-1])


class _Counting:
    """Counts over all blocks so far."""

    def __init__(self, values: Floats, identities: int, greatest: _Greatest) -> None:
        self.values, self.identities, self.greatest = values, identities, greatest
        self.below = np.zeros(len(values), np.int64)
        self.not_above = np.zeros(len(values), np.int64)
        self.of_identity = np.zeros((identities, LEVELS), np.int64)
        self.total = 0

    def add(self, block: Block) -> None:
        levels, size = level_of(block.scores), self.of_identity.size
        for side in (block.left, block.right):
            found = np.bincount(side * LEVELS + levels, minlength=size)
            self.of_identity += found.reshape(self.of_identity.shape)
        self.greatest.add(block)
        self._rank(np.sort(block.scores))
        self.total += len(block.scores)

    def _rank(self, ordered: Floats) -> None:
        """Count how many lie below each genuine score, and how many not above it."""
        below = np.searchsorted(ordered, self.values, "left")
        self.below += below
        ties = np.flatnonzero(np.append(ordered, np.nan)[below] == self.values)
        below[ties] = np.searchsorted(ordered, self.values[ties], "right")
        self.not_above += below


def level_of(scores: Floats) -> Numbers:
    """The interval of the histograms that each score lies in."""
    levels: Numbers = ((scores - LOWEST) * (LEVELS / (-2 * LOWEST))).astype(np.int64)
    return levels


def _genuine(units: Floats, codes: Numbers) -> tuple[Floats, Numbers]:
    """The scores of all pairs of one identity, and whose they are."""
    scores, whose = [np.empty(0)], [np.empty(0, np.int64)]
    starts = np.flatnonzero(np.append(True, codes[1:] != codes[:-1]))
    for start, stop in zip(starts, np.append(starts[1:], len(codes)), strict=True):
        own = (units[start:stop] @ units[start:stop].T)[np.triu_indices(stop - start, 1)]
        scores.append(own)
        whose.append(np.full(len(own), codes[start]))
    return np.concatenate(scores), np.concatenate(whose)
