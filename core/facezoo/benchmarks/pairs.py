"""Pairs of images as a benchmark: LFW's, CFP's, any list's, those that a source brings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from facezoo.benchmarks.benchmark import Imaged
from facezoo.benchmarks.given import Given, Options
from facezoo.benchmarks.pairs_table import list_as_dict, pairs_table
from facezoo.benchmarks.result import Comparison, Curve, Main, Result
from facezoo.data.listing import check_list
from facezoo.data.named import NamedPair, NamedPairs
from facezoo.data.pairs import Pairs
from facezoo.errors import FacezooError
from facezoo.evaluation.assessment import Assessment, assess
from facezoo.evaluation.bootstrap import Times, Weighing, weights_of_pairs
from facezoo.evaluation.fixed import FixedThreshold, at_threshold
from facezoo.evaluation.identities import Units
from facezoo.evaluation.roc_curve import roc
from facezoo.evaluation.scoring import ScoredPairs, score_rows
from facezoo.evaluation.verification import figures_of
from facezoo.table import Table

if TYPE_CHECKING:
    from facezoo.runs.network import Network

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PairsBenchmark:
    """Pairs of images, to be told apart into genuine and impostor.

    `names` are the images as the list calls them: its folders are what it means by identities. `missing` are
    names without an embedding, `left_out` counts the pairs that are not here for it.
    """

    name: str
    images: Imaged
    pairs: Pairs
    names: Sequence[str]
    options: Options = field(default_factory=Options)
    missing: tuple[str, ...] = ()
    left_out: int = 0
    network: Network | None = None

    @classmethod
    def listed(
        cls,
        given: Given,
        name: str,
        pairs: Sequence[NamedPair],
        folders: Sequence[Path],
    ) -> PairsBenchmark:
        """The pairs of a list, whose images' names start from one of `folders` unless another is given.

        Raises FacezooError for images that are not there, an image against itself, and a pair that is listed
        both as genuine and as impostor.
        """
        named = NamedPairs.of(pairs)
        found = given.find(name, named.names, folders)
        left, right = found.numbers[named.left], found.numbers[named.right]
        there = (left >= 0) & (right >= 0)
        if not there.any():
            message = f"{name}: no pair has embeddings of both its images, such as {found.missing[0]!r}"
            raise FacezooError(message, "Give embeddings of the images that the list names.")
        fold = None if named.fold is None else named.fold[there]
        numbered = Pairs(left[there], right[there], named.same[there], fold)
        names = list(found.images.names)
        if given.embeddings is not None:  # else their folders are as the list's, and their endings known
            for number, said in zip(found.numbers[::-1].tolist(), named.names[::-1], strict=True):
                names[number] = said if number >= 0 else names[number]
        check_list(name, names, numbered)
        left_out = int((~there).sum())
        rest = (given.options, found.missing, left_out, given.network)
        return cls(name, found.images, numbered, names, *rest)

    @property
    def remarks(self) -> Sequence[str]:
        """How many pairs are listed again, where there are some."""
        return [f"{self.name}: {line}" for line in self.pairs.listing.words]

    def score(self, embeddings: npt.NDArray[np.floating]) -> ScoredPairs:
        """The cosines of the pairs; see `Benchmark.evaluate`."""
        scored = score_rows(
            self.name, embeddings, self.pairs, self.names, self.options.folds, self.options.failed
        )
        return replace(scored, missing=self.missing, left_out=self.left_out)

    def evaluate(self, embeddings: npt.NDArray[np.floating]) -> PairsResult:
        """See `Benchmark`."""
        return PairsResult(self.score(embeddings), self.options, self.network)


class PairsResult(Result):
    """What scored pairs show; nothing is computed before it is asked for."""

    def __init__(
        self, scored: ScoredPairs, options: Options | None = None, network: Network | None = None
    ) -> None:
        self.scored = scored
        self.options = options or Options()
        self.name = scored.name
        self.units = Units(scored.drawn.count, scored.drawn.known)
        self._network = network

    @property
    def main(self) -> Main:
        """The accuracy."""
        return Main("accuracy", self.figures["accuracy"])

    @cached_property
    def figures(self) -> Mapping[str, Any]:
        """The verification figures, whatever the AUC: an untrained network has some, too."""
        return figures_of(self.scored.scores, self.scored.same, self.scored.fold).as_dict()

    @cached_property
    def assessment(self) -> Assessment:
        """Every figure with its interval; FacezooError as `assess` raises it."""
        asked, scored = self.options, self.scored
        return assess(
            scored.scores,
            scored.same,
            scored.fold,
            scored.units,
            fars=asked.fars or None,
            first=scored.first,
            failed=scored.rejected,
            replicates=asked.replicates,
            seed=asked.seed,
        )

    @cached_property
    def own(self) -> FixedThreshold | str | None:
        """What the threshold of the network's head does to the pairs; None where it has none.

        A line that says why that is not known where the head cannot be loaded: embeddings need no head, so
        this takes no other figure away.
        """
        try:
            threshold = None if self._network is None else self._network.learned_threshold
            return None if threshold is None else self._judged_by(threshold)
        except FacezooError as error:
            return f"whether the head has a threshold of its own is not known: {error.message}"

    @property
    def table(self) -> Table:
        """See `Result`."""
        return pairs_table(self.scored, self.assessment, self.own)

    @property
    def load(self) -> int:
        """See `Result`."""
        return len(self.scored.same)

    def weighted(self, times: Times) -> Mapping[str, Floats]:
        """Accuracy, AUC and EER; see `Result`."""
        found = self._weighing.figures(weights_of_pairs(self.scored.drawn, times))
        return {"accuracy": found.accuracy, "auc": found.auc, "eer": found.eer}

    def curves(self) -> Mapping[str, Curve]:
        """The ROC: true accept rates over false accept rates."""
        curve = roc(self.scored.scores, self.scored.same)
        return {"ROC": (curve.far, curve.tar)}

    def worst(self, count: int) -> Sequence[Comparison]:
        """The impostor pairs with the greatest scores and the genuine ones with the least, in turns."""
        scores, same = self.scored.scores, self.scored.same
        impostors, genuine = np.flatnonzero(~same), np.flatnonzero(same)
        greatest = impostors[np.argsort(-scores[impostors], kind="stable")[:count]].tolist()
        least = genuine[np.argsort(scores[genuine], kind="stable")[:count]].tolist()
        turns = [pair for both in zip(greatest, least, strict=False) for pair in both]
        left = greatest[len(least) :] + least[len(greatest) :]
        return [self._comparison(pair) for pair in (turns + left)[:count]]

    def as_dict(self) -> dict[str, Any]:
        """See `Result`."""
        own = self.own if isinstance(self.own, FixedThreshold) else None
        return {
            **list_as_dict(self.scored),
            **self.assessment.as_dict(),
            "own_threshold": own and own.as_dict(),
        }

    @cached_property
    def _weighing(self) -> Weighing:
        return Weighing(self.scored.scores, self.scored.same, self.scored.fold)

    def _judged_by(self, threshold: float) -> FixedThreshold:
        scored = self.scored
        return at_threshold(
            scored.scores,
            scored.same,
            threshold,
            scored.units,
            first=scored.first,
            failed=scored.rejected,
            replicates=self.options.replicates,
            seed=self.options.seed,
        )

    def _comparison(self, pair: int) -> Comparison:
        named = self.scored.named(pair)
        return Comparison(named.a, named.b, float(self.scored.scores[pair]), named.same)
