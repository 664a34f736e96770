"""Pairs with their scores: from a file of embeddings, or from a network and images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from facezoo.data.faces import printable
from facezoo.data.listing import Listing, check_list
from facezoo.data.pairs import NamedPair, NamedPairs, Pairs, number_pairs
from facezoo.data.protocols import ListedPairs
from facezoo.data.sources import TestPairs, open_listed, open_pairs
from facezoo.errors import FacezooError
from facezoo.evaluation.embedding import cosines_of, embed
from facezoo.evaluation.enrolment import Failed, settle, units_but
from facezoo.evaluation.files import EmbeddingSet
from facezoo.evaluation.folds import stratified_folds
from facezoo.evaluation.identities import PairUnits, identify, pairs_as_units
from facezoo.evaluation.lookup import Lookup
from facezoo.runs.network import Network

MEMORY = 2 * 2**30  # bytes of decoded images that are kept
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


def score_embeddings(
    embeddings: EmbeddingSet, listed: ListedPairs, folds: int = 10, *, failed: Failed | None = None
) -> ScoredPairs:
    """The cosines of listed pairs whose images have embeddings.

    Pairs with an image that has none are left out and counted: detectors do not find every face. An embedding
    that is zero or not finite is of an image that failed to enrol, which counts as `failed` says. `folds` is
    used where the protocol brings none. Raises FacezooError where no pair is left, a name may mean several
    images, images failed and nothing is said of them, and as `check_list` does.
    """
    lookup = Lookup(embeddings.paths)
    paths, pairs, missing = number_pairs(listed.pairs, lookup)
    there = (pairs.left >= 0) & (pairs.right >= 0)
    if not there.any():
        near = lookup.near(missing[0])
        message = f"{embeddings.name} has none of the images of {listed.name}, such as {missing[0]!r}"
        message += f"; {near}" if near else ""
        raise FacezooError(message, f"Its paths are like {printable(embeddings.paths[0])!r}.")
    row = {path: number for number, path in enumerate(embeddings.paths)}
    rows = embeddings.rows[[row[path] for path in paths]]
    names = _names(listed.pairs, lookup)
    kept = _some(pairs, there)
    scored = score_rows(listed.name, rows, kept, [names[path] for path in paths], folds, failed)
    return replace(scored, missing=tuple(missing), left_out=int((~there).sum()))


def score_network(
    network: Network,
    listed: ListedPairs,
    images: Path | None,
    *,
    folds: int | None = None,
    flip: bool | None = None,
    failed: Failed | None = None,
) -> ScoredPairs:
    """The cosines of listed pairs of images, embedded by a network; `folds` and `flip` None are as its run's.

    Names are relative to `images`, or to one of the protocol's usual folders. Every image must be there and
    decode, else FacezooError. Images that failed to enrol count as `failed` says, as in `score_embeddings`.
    """
    contract = network.preprocessing
    test = open_listed(listed, images, contract.size, MEMORY, contract=contract)
    return score_test_pairs(network, test, folds=folds, flip=flip, failed=failed)


def score_own_pairs(
    network: Network, *, flip: bool | None = None, failed: Failed | None = None
) -> ScoredPairs:
    """The cosines of the pairs that the run itself was verified on, found again as its settings say.

    `flip` None is as the run had it. Raises FacezooError where it had none, or they are not there any more.
    """
    data, evaluate, contract = network.config["data"], network.evaluate, network.preprocessing
    named = (evaluate.pairs, evaluate.images, data["path"])
    test = open_pairs(*named, contract.size, MEMORY, protocol=evaluate.protocol, contract=contract)
    if test is None:
        raise FacezooError(f"{network.checkpoint}: the run has no pairs", "Name some: --pairs FILE.")
    return score_test_pairs(network, test, flip=flip, failed=failed)


def score_test_pairs(
    network: Network,
    test: TestPairs,
    *,
    folds: int | None = None,
    flip: bool | None = None,
    failed: Failed | None = None,
) -> ScoredPairs:
    """The cosines of a verification set's pairs; `folds` and `flip` None are as the run had them."""
    evaluate = network.evaluate
    flip = evaluate.flip if flip is None else flip
    rows = embed(
        network.backbone, test.store, network.preprocessing, batch_size=evaluate.batch_size, flip=flip
    )
    paths = test.store.images.names
    return score_rows(test.name, rows, test.pairs, paths, folds or evaluate.folds, failed)


def score_rows(
    name: str,
    rows: npt.NDArray[np.floating],
    pairs: Pairs,
    paths: Sequence[str],
    folds: int,
    failed: Failed | None = None,
) -> ScoredPairs:
    """The cosines of pairs of images with embeddings `rows` [N, D] and names `paths` [N]: all doors end here.

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


def _names(pairs: Sequence[NamedPair], lookup: Lookup) -> dict[str, str]:
    """The list's own name of each path that it means: its folders are what the protocol means by identity."""
    names: dict[str, str] = {}
    for name in NamedPairs.of(pairs).names:
        path = lookup(name)
        if path is not None:
            names.setdefault(path, name)
    return names
