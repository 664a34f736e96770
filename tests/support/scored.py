"""Pairs through the seam of benchmarks: open, and with the cosines of embeddings or of a network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from facezoo.benchmarks import (
    Given,
    Options,
    PairsBenchmark,
    evaluate_network,
    open_benchmark,
    open_own_benchmark,
    open_run_benchmark,
)
from facezoo.benchmarks.running import open_images
from facezoo.data import Preprocessing, Store
from facezoo.data.declared import UNDECLARED
from facezoo.data.named import NamedPair
from facezoo.data.pairs import Pairs
from facezoo.evaluation.files import EmbeddingSet
from facezoo.evaluation.scoring import ScoredPairs
from facezoo.runs.network import Network
from facezoo.settings import EvaluateSettings


class Opened(NamedTuple):
    name: str
    store: Store
    pairs: Pairs


def open_pairs(
    pairs: str,
    images: str,
    data: str,
    size: int,
    memory: int = 2**30,
    *,
    protocol: str = "auto",
    contract: Preprocessing | None = None,
) -> Opened | None:
    """What a run with these settings is verified on, with its images' pixels."""
    contract = contract or Preprocessing(size, UNDECLARED)
    settings = EvaluateSettings(pairs=pairs, images=images, protocol=protocol)
    found = open_run_benchmark(settings, data, contract)
    if found is None:
        return None
    assert isinstance(found, PairsBenchmark)
    return Opened(found.name, open_images(found, contract, memory), found.pairs)


def score_embeddings(
    embeddings: EmbeddingSet, pairs: Sequence[NamedPair], folds: int = 10, **options
) -> ScoredPairs:
    """The pairs of a list called p."""
    given = Given(embeddings=embeddings, options=Options(folds=folds, **options))
    benchmark = PairsBenchmark.listed(given, "p", pairs, ())
    return benchmark.score(embeddings.chosen(benchmark.images.names).rows)


def score_list(source: Network | EmbeddingSet, path: Path, **options) -> ScoredPairs:
    """The pairs of a list in a file."""
    if isinstance(source, EmbeddingSet):
        benchmark = open_benchmark(None, Given(path=str(path), embeddings=source, options=Options(**options)))
        return benchmark.score(source.chosen(benchmark.images.names).rows)
    given = Given(path=str(path), contract=source.preprocessing, network=source, options=Options(**options))
    (result,) = evaluate_network(source, [open_benchmark(None, given)])
    return result.scored


def score_own_pairs(network: Network, **options) -> ScoredPairs:
    """The pairs that a run was verified on."""
    (result,) = evaluate_network(network, [open_own_benchmark(network, Options(**options))])
    return result.scored
