"""Who is on the images of a pair: what intervals over identities need to know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from facezoo.data.pairs import Pairs

Codes = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class PairUnits:
    """What is drawn with replacement: `left` and `right` int64 [P] number the units of each pair's images.

    Units are identities, each numbered in [0, count); a genuine pair has one on both sides. Where identities
    are unknown, a pair is a unit of its own (`known` False).
    """

    left: Codes
    right: Codes
    count: int
    known: bool = True

    @property
    def words(self) -> str:
        """What an interval over these units says of itself."""
        kind = "identities" if self.known else "pairs, whose identities are unknown"
        return f"bootstrap over {self.count:,} {kind}"


def identities_of_pairs(paths: Sequence[str], pairs: Pairs) -> PairUnits | None:
    """The identities of pairs by the folders that their images lie in, or None where folders are not people.

    `paths` are the images' names, numbered as `pairs` numbers them, with `/` between the parts. The nearest
    folder is tried, then the topmost: either counts as the identity only if it is the same for both images of
    every genuine pair and differs for every impostor pair.
    """
    for folder in (_nearest, _topmost):
        units = units_of([folder(path) for path in paths], pairs)
        if units is not None:
            return units
    return None


def units_of(identities: Sequence[str], pairs: Pairs) -> PairUnits | None:
    """Units of pairs whose images [N] have these identities; None where any pair contradicts them."""
    names = np.unique(np.array(identities, dtype=object).astype(str), return_inverse=True)[1]
    left, right = names[pairs.left], names[pairs.right]
    if not np.array_equal(left == right, pairs.same):
        return None
    used, codes = np.unique(np.concatenate([left, right]), return_inverse=True)
    if len(used) < 2:
        return None
    return PairUnits(codes[: len(pairs)], codes[len(pairs) :], len(used))


def pairs_as_units(count: int) -> PairUnits:
    """Each of `count` pairs by itself."""
    numbers = np.arange(count)
    return PairUnits(numbers, numbers, count, known=False)


def _nearest(path: str) -> str:
    return path.rpartition("/")[0].rpartition("/")[2]


def _topmost(path: str) -> str:
    return path.partition("/")[0]
