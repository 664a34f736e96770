"""A list of pairs as a whole: which lines name one pair, and what no list may hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from facezoo.data.faces import printable
from facezoo.errors import FacezooError

Numbers = npt.NDArray[np.int64]
_SHOWN: Final = 3


@dataclass(frozen=True, eq=False)
class Listing:
    """Which of P lines name the same pair of images, in one order or the other.

    `pair` int64 [P] numbers the distinct pairs from 0 on, `first` bool [P] is True at the first line of each.
    """

    pair: Numbers
    first: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, left: Numbers, right: Numbers) -> Listing:
        """The listing of pairs of image numbers, int64 [P] each, below 2^31."""
        low, high = np.minimum(left, right), np.maximum(left, right)
        keys = low * (int(high.max(initial=0)) + 1) + high
        order = np.argsort(keys, kind="stable")
        ordered = keys[order]
        new = np.append(True, ordered[1:] != ordered[:-1])[: len(ordered)]
        pair, first = np.empty(len(keys), np.int64), np.zeros(len(keys), np.bool_)
        pair[order] = np.cumsum(new) - 1
        first[order[new]] = True
        return cls(pair, first)

    @property
    def again(self) -> int:
        """How many lines name a pair that an earlier one names."""
        return len(self.first) - int(self.first.sum())

    @property
    def words(self) -> list[str]:
        """The line that says so, where there are any."""
        again = f"{self.again:,} of {len(self.first):,} pairs, as they are or mirrored"
        return [f"listed again: {again}; what a rate rests on are the distinct ones"] if self.again else []


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of images, each genuine (`same`: one identity) or impostor.

    `left` and `right` are int64 [P], image numbers; `same` is bool [P]; `fold` is int64 [P] from 0, or None
    where the protocol brings no folds of its own.
    """

    left: npt.NDArray[np.int64]
    right: npt.NDArray[np.int64]
    same: npt.NDArray[np.bool_]
    fold: npt.NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.same)

    @cached_property
    def listing(self) -> Listing:
        """Which of these are the same pair."""
        return Listing.of(self.left, self.right)


def check_list(name: str, paths: Sequence[str], pairs: Pairs) -> None:
    """Raise FacezooError for what no list of pairs of images may hold; `paths` are the images' names.

    That is an image against itself, whose score is 1 whatever the network, and one pair both as genuine and
    as impostor. The same pair twice is no error: official lists have such.
    """
    left, right = pairs.left, pairs.right
    itself = np.flatnonzero(left == right)
    if len(itself):
        some = _some([repr(printable(paths[left[pair]])) for pair in itself[:_SHOWN].tolist()], len(itself))
        message = f"{name}: {len(itself):,} of {len(left):,} pairs are an image against itself: {some}"
        raise FacezooError(message, "A pair is of two images; take these lines out of the list.")
    if pairs.listing.again:
        _refuse_both_labels(name, paths, pairs)


def _refuse_both_labels(name: str, paths: Sequence[str], pairs: Pairs) -> None:
    same, listing = pairs.same, pairs.listing
    label = np.empty(int(listing.pair.max()) + 1, np.bool_)
    label[listing.pair[listing.first]] = same[listing.first]
    other = np.flatnonzero(same != label[listing.pair])  # lines that say otherwise than the first did
    if len(other):
        distinct = np.unique(listing.pair[other], return_index=True)[1]
        named = [
            f"{printable(paths[pairs.left[line]])!r} and {printable(paths[pairs.right[line]])!r}"
            for line in other[distinct[:_SHOWN]].tolist()
        ]
        message = f"{name}: {len(distinct):,} pairs are listed both as genuine and as impostor"
        raise FacezooError(f"{message}: {_some(named, len(distinct))}", "Keep the label that is right.")


def _some(shown: Sequence[str], count: int) -> str:
    more = f", and {count - len(shown):,} more" if count > len(shown) else ""
    return f"{', '.join(shown)}{more}"
