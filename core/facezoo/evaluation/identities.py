"""Who is on the images of a pair: what intervals over identities need to know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from facezoo.data.pairs import Pairs
from facezoo.errors import FacezooError
from facezoo.evaluation import arguments

Codes = npt.NDArray[np.int64]
TOLERATED: Final = 10
"""One in so many pairs of a kind may contradict identities that are taken for identities nevertheless."""


@dataclass(frozen=True)
class Units:
    """What is drawn with replacement, `count` of them: identities or, where those are not `known`, pairs."""

    count: int
    known: bool = True

    @property
    def words(self) -> str:
        """What an interval over these units says of itself."""
        kind = "identities" if self.known else "pairs, whose identities are unknown"
        return f"bootstrap over {self.count:,} {kind}"


@dataclass(frozen=True, eq=False)
class PairUnits:
    """What is drawn with replacement: `left` and `right` int64 [P] number the units of each pair's images.

    Units are identities, each numbered in [0, count); a genuine pair has one on both sides. Where identities
    are unknown, a pair is a unit of its own (`known` False). Raises FacezooError for other numbers.
    """

    left: Codes
    right: Codes
    count: int
    known: bool = True

    def __post_init__(self) -> None:
        count = arguments.whole("count", self.count, 1)
        left, right = (
            arguments.numbers_below(side, getattr(self, side), count, "units") for side in ("left", "right")
        )
        arguments.together(left=left, right=right)
        for name, value in (("left", left), ("right", right), ("count", count)):
            object.__setattr__(self, name, value)

    @property
    def whole(self) -> Units:
        """The units, without the pairs."""
        return Units(self.count, self.known)

    @property
    def words(self) -> str:
        """What an interval over these units says of itself."""
        return self.whole.words


@dataclass(frozen=True, eq=False)
class Identified:
    """The identities of pairs by folder: `units`, or None where folders are not people.

    `against` int64 [A] are the pairs whose labels contradict the folders: few, which then keep their label
    for the figures and their folders for the draws; or so many that folders say nothing about identities.
    """

    units: PairUnits | None
    against: Codes


def identify(paths: Sequence[str], pairs: Pairs) -> Identified:
    """The identities of pairs by the folders that their images lie in.

    `paths` are the images' names, numbered as `pairs` numbers them, with `/` between the parts. The nearest
    folder is tried and the topmost, and that taken which fewer pairs contradict: a genuine pair should lie in
    one folder, an impostor pair in two. Where more than a tenth of the pairs of a kind contradict it, folders
    are not people.
    """
    paths = arguments.names("paths", paths)
    read = dict.fromkeys(tuple(map(folder, paths)) for folder in (_nearest, _topmost))  # often the same
    tried = [_by_name(names, pairs) for names in read]
    return min(tried, key=lambda found: (found.units is None, len(found.against)))


def identities_of_pairs(paths: Sequence[str], pairs: Pairs) -> PairUnits | None:
    """The units of `identify`, or None where folders are not people."""
    return identify(paths, pairs).units


def units_of(identities: Sequence[str], pairs: Pairs) -> PairUnits | None:
    """Units of pairs whose images [N] have these identities.

    None where more than a tenth of the pairs of a kind contradict them, or there is but one.
    """
    return _by_name(arguments.names("identities", identities), pairs).units


def pairs_as_units(count: int) -> PairUnits:
    """Each of `count` pairs by itself."""
    numbers = np.arange(arguments.whole("count", count, 1))
    return PairUnits(numbers, numbers, count, known=False)


def check_units(units: PairUnits, same: npt.NDArray[np.bool_]) -> None:
    """Raise FacezooError where these cannot be the units of pairs with these truths bool [P]."""
    arguments.of_kind("units", units, PairUnits)
    arguments.together(units=units.left, same=same)
    against = np.flatnonzero((units.left == units.right) != same)
    if units.known and not _agree(against, same):
        message = f"units: {len(against):,} of {len(same):,} pairs contradict them"
        hint = "Give units in the order of the pairs, the same for both images of a genuine pair."
        raise FacezooError(message, hint)


def _by_name(identities: Sequence[str], pairs: Pairs) -> Identified:
    arguments.of_kind("pairs", pairs, Pairs)
    names = np.unique(np.array(identities, dtype=object).astype(str), return_inverse=True)[1]
    left, right = (
        names[arguments.numbers_below(side, getattr(pairs, side), len(names), "images")]
        for side in ("left", "right")
    )
    against = np.flatnonzero((left == right) != pairs.same)
    used = np.zeros(len(names), np.bool_)  # as many as there can be identities
    used[left] = used[right] = True
    count, codes = int(used.sum()), np.cumsum(used) - 1
    if count < 2 or not _agree(against, pairs.same):
        return Identified(None, against)
    return Identified(PairUnits(codes[left], codes[right], count), against)


def _agree(against: Codes, same: npt.NDArray[np.bool_]) -> bool:
    """Whether so few pairs of each kind contradict their identities that these are identities."""
    contradicted = same[against]
    return all(
        TOLERATED * int((contradicted == kind).sum()) <= int((same == kind).sum()) for kind in (True, False)
    )


def _nearest(path: str) -> str:
    return path.rpartition("/")[0].rpartition("/")[2]


def _topmost(path: str) -> str:
    return path.partition("/")[0]
