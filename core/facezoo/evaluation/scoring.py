"""Pairs with their scores: from a file of embeddings, or from a network and images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from facezoo.data.faces import printable
from facezoo.data.pairs import NamedPair, NamedPairs, Pairs, number_pairs
from facezoo.data.protocols import ListedPairs
from facezoo.data.sources import TestPairs, open_listed, open_pairs
from facezoo.errors import FacezooError
from facezoo.evaluation.embedding import embed, pair_cosines
from facezoo.evaluation.files import EmbeddingSet
from facezoo.evaluation.folds import stratified_folds
from facezoo.evaluation.identities import PairUnits, identities_of_pairs
from facezoo.evaluation.lookup import Lookup
from facezoo.evaluation.network import Network

MEMORY = 2 * 2**30  # bytes of decoded images that are kept


@dataclass(frozen=True, eq=False)
class ScoredPairs:
    """Cosines float64 [P] of pairs, their truths bool [P], folds int64 [P] and identities, where known.

    `missing` are names in the list without an embedding, `left_out` how many pairs therefore are not here.
    """

    name: str
    scores: npt.NDArray[np.float64]
    same: npt.NDArray[np.bool_]
    fold: npt.NDArray[np.int64]
    units: PairUnits | None
    missing: tuple[str, ...] = ()
    left_out: int = 0


def score_embeddings(embeddings: EmbeddingSet, listed: ListedPairs, folds: int = 10) -> ScoredPairs:
    """The cosines of listed pairs whose images have embeddings.

    Pairs with an image that has none are left out and counted: detectors do not find every face. `folds` is
    used where the protocol brings none. Raises FacezooError where no pair is left, or a name may mean several
    images.
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
    kept = _some(pairs, there)
    names = _names(listed.pairs, lookup)
    scored = _scored(listed.name, rows, kept, [names[path] for path in paths], folds)
    return replace(scored, missing=tuple(missing), left_out=int((~there).sum()))


def score_network(
    network: Network,
    listed: ListedPairs,
    images: Path | None,
    *,
    folds: int | None = None,
    flip: bool | None = None,
) -> ScoredPairs:
    """The cosines of listed pairs of images, embedded by a network; `folds` and `flip` None are as its run's.

    Names are relative to `images`, or to one of the protocol's usual folders. Every image must be there and
    decode, else FacezooError.
    """
    contract = network.preprocessing
    test = open_listed(listed, images, contract.size, MEMORY, contract=contract)
    return score_test_pairs(network, test, folds=folds, flip=flip)


def score_own_pairs(network: Network, *, flip: bool | None = None) -> ScoredPairs:
    """The cosines of the pairs that the run itself was verified on, found again as its settings say.

    `flip` None is as the run had it. Raises FacezooError where it had none, or they are not there any more.
    """
    data, evaluate, contract = network.config["data"], network.evaluate, network.preprocessing
    named = (evaluate.pairs, evaluate.images, data["path"])
    test = open_pairs(*named, contract.size, MEMORY, protocol=evaluate.protocol, contract=contract)
    if test is None:
        raise FacezooError(f"{network.checkpoint}: the run has no pairs", "Name some: --pairs FILE.")
    return score_test_pairs(network, test, flip=flip)


def score_test_pairs(
    network: Network, test: TestPairs, *, folds: int | None = None, flip: bool | None = None
) -> ScoredPairs:
    """The cosines of a verification set's pairs; `folds` and `flip` None are as the run had them."""
    evaluate = network.evaluate
    flip = evaluate.flip if flip is None else flip
    rows = embed(
        network.backbone, test.store, network.preprocessing, batch_size=evaluate.batch_size, flip=flip
    )
    return _scored(test.name, rows, test.pairs, test.store.images.paths, folds or evaluate.folds)


def _scored(
    name: str, rows: npt.NDArray[np.floating], pairs: Pairs, paths: Sequence[str], folds: int
) -> ScoredPairs:
    fold = stratified_folds(pairs.same, folds) if pairs.fold is None else pairs.fold
    return ScoredPairs(name, pair_cosines(rows, pairs), pairs.same, fold, identities_of_pairs(paths, pairs))


def _some(pairs: Pairs, chosen: npt.NDArray[np.bool_]) -> Pairs:
    fold = None if pairs.fold is None else pairs.fold[chosen]
    return Pairs(pairs.left[chosen], pairs.right[chosen], pairs.same[chosen], fold)


def _names(pairs: Sequence[NamedPair], lookup: Lookup) -> dict[str, str]:
    """The list's own name of each path that it means: its folders are what the protocol means by identity."""
    names: dict[str, str] = {}
    for name in NamedPairs.of(pairs).names:
        path = lookup(name)
        if path is not None:
            names[path] = name
    return names
