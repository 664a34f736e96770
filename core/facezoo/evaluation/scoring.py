"""Pairs with their scores, and all that is to be said of them as a list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from facezoo.data.faces import printable
from facezoo.data.listing import Listing, check_list
from facezoo.data.pairs import NamedPair, Pairs
from facezoo.errors import FacezooError
from facezoo.evaluation.embedding import cosines_of
from facezoo.evaluation.enrolment import Failed, settle, units_but
from facezoo.evaluation.folds import stratified_folds
from facezoo.evaluation.identities import PairUnits, identify, pairs_as_units

NAMED: Final = 1000  # pairs that contradict their folders, of which each is named in JSON


@dataclass(frozen=True, eq=False)
class ScoredPairs:
    """Cosines float64 [P] of pairs, their truths bool [P], folds int64 [P] and identities, where known.

    `missing` are names in the list without an embedding, `left_out` how many pairs therefore are not here.
    `listing` says which pairs are listed again; `contradicting` and `contradictions` are some of the pairs
    whose labels contradict their images' folders, and how many there are. `failures` are the images that
    failed to enrol, and what came of their pairs, whose score is -inf where they are still here. `pairs` are
    numbers of images, `paths` the images' names, where they are known.
    """

    name: str
    scores: npt.NDArray[np.float64]
    same: npt.NDArray[np.bool_]
    fold: npt.NDArray[np.int64]
    units: PairUnits | None
    missing: tuple[str, ...] = ()
    left_out: int = 0
    listing: Listing | None = None
    contradicting: tuple[NamedPair, ...] = ()
    contradictions: int = 0
    failures: Failures | None = None
    pairs: Pairs | None = None
    paths: Sequence[str] = ()

    def named(self, line: int) -> NamedPair:
        """One of the pairs, with its images' names; they are empty where only scores were kept."""
        if self.pairs is None:
            return NamedPair("", "", bool(self.same[line]))
        return _named(self.paths, self.pairs, line)

    def where(self, chosen: npt.NDArray[np.bool_]) -> ScoredPairs:
        """Some of the pairs, chosen by bool [P]; they keep the numbers of their units."""
        pairs = None if self.pairs is None else _some(self.pairs, chosen)
        units = self.drawn
        kept = PairUnits(units.left[chosen], units.right[chosen], units.count, units.known)
        columns = (self.scores[chosen], self.same[chosen], self.fold[chosen])
        return ScoredPairs(self.name, *columns, kept, pairs=pairs, paths=self.paths)

    @property
    def first(self) -> npt.NDArray[np.bool_] | None:
        """Where a pair is listed for the first time, bool [P]; None where each is listed once."""
        return self.listing.first if self.listing is not None and self.listing.again else None

    @property
    def rejected(self) -> npt.NDArray[np.bool_] | None:
        """Which pairs are never accepted, bool [P]; None where none is."""
        out = np.isneginf(self.scores)
        return out if out.any() else None

    @property
    def drawn(self) -> PairUnits:
        """What intervals draw: identities, or each distinct pair where they are unknown."""
        if self.units is not None:
            return self.units
        if self.listing is None:
            return pairs_as_units(len(self.same))
        return PairUnits(self.listing.pair, self.listing.pair, int(self.listing.pair.max()) + 1, known=False)


@dataclass(frozen=True)
class Failures:
    """Images that failed to enrol, in how many pairs they are, and what these count as."""

    images: tuple[str, ...]
    pairs: int
    taken_as: Failed

    def as_dict(self) -> dict[str, Any]:
        """As it is written to JSON."""
        return {**asdict(self), "images": list(self.images)}


def score_rows(
    name: str,
    rows: npt.NDArray[np.floating],
    pairs: Pairs,
    paths: Sequence[str],
    folds: int,
    failed: Failed | None = None,
) -> ScoredPairs:
    """The cosines of pairs of images with embeddings `rows` [N, D] and names `paths` [N].

    Raises FacezooError as `check_list` does, and where images failed to enrol and nothing is said of them.
    """
    check_list(name, paths, pairs)
    used = np.unique(np.concatenate([pairs.left, pairs.right]))
    failing = np.zeros(len(rows), np.bool_)
    failing[used] = settle(name, rows[used], [paths[image] for image in used.tolist()], failed)
    out = failing[pairs.left] | failing[pairs.right]
    failures = _failures(paths, failing, out, failed)
    if failures is not None and failed == "drop":
        pairs = _some(pairs, ~out)
        out = out[:0]
        if not len(pairs):
            message = f"{name}: each pair has an image that failed to enrol"
            raise FacezooError(message, "Look at the images, and at what embeds them.")
    scores = cosines_of(units_but(rows, failing), pairs)
    scores[np.flatnonzero(out)] = -np.inf
    found = identify(paths, pairs)
    return ScoredPairs(
        name,
        scores,
        pairs.same,
        stratified_folds(pairs.same, folds) if pairs.fold is None else pairs.fold,
        found.units,
        listing=pairs.listing,
        contradicting=tuple(_named(paths, pairs, line) for line in found.against[:NAMED].tolist()),
        contradictions=len(found.against),
        failures=failures,
        pairs=pairs,
        paths=paths,
    )


def _failures(
    paths: Sequence[str], failing: npt.NDArray[np.bool_], out: npt.NDArray[np.bool_], failed: Failed | None
) -> Failures | None:
    if failed is None or not out.any():
        return None
    images = tuple(printable(paths[image]) for image in np.flatnonzero(failing).tolist())
    return Failures(images, int(out.sum()), failed)


def _named(paths: Sequence[str], pairs: Pairs, line: int) -> NamedPair:
    a, b = (printable(paths[side[line]]) for side in (pairs.left, pairs.right))
    return NamedPair(a, b, bool(pairs.same[line]))


def _some(pairs: Pairs, chosen: npt.NDArray[np.bool_]) -> Pairs:
    fold = None if pairs.fold is None else pairs.fold[chosen]
    return Pairs(pairs.left[chosen], pairs.right[chosen], pairs.same[chosen], fold)
