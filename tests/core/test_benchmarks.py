"""The seam of benchmarks, held against its hardest users: pairs, 1:N identification, a split by group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from facezoo.benchmarks import (
    Benchmark,
    Figures,
    Given,
    Main,
    Options,
    PairsResult,
    Result,
    Row,
    Table,
    Units,
    evaluate_embeddings,
    open_benchmark,
)
from facezoo.benchmarks.benchmark import Imaged
from facezoo.benchmarks.result import Times
from facezoo.benchmarks.running import open_images
from facezoo.errors import FacezooError
from facezoo.evaluation import assess, replicate
from facezoo.evaluation.files import EmbeddingSet

OPTIONS = Options(replicates=50, folds=3)


def people(count: int = 8, images: int = 4, seed: int = 0, noise: float = 0.8) -> EmbeddingSet:
    """Embeddings of some images of some people, whose folders they lie in."""
    random = np.random.default_rng(seed)
    rows = np.repeat(random.normal(size=(count, 6)), images, axis=0)
    rows += noise * np.random.default_rng(seed + 1).normal(size=rows.shape)
    paths = tuple(f"p{person}/{image}.png" for person in range(count) for image in range(images))
    return EmbeddingSet("people.npz", paths, rows.astype(np.float32))


def listed(folder: Path, embeddings: EmbeddingSet) -> Path:
    paths = embeddings.paths
    pairs = [(a, b) for place, a in enumerate(paths) for b in paths[place + 1 :]]
    lines = [f"{a},{b},{int(a.split('/')[0] == b.split('/')[0])}" for a, b in pairs]
    (folder / "pairs.csv").write_text("\n".join(["a,b,same", *lines]), encoding="utf-8")
    return folder / "pairs.csv"


def of_pairs(folder: Path, embeddings: EmbeddingSet) -> PairsResult:
    given = Given(path=str(listed(folder, embeddings)), embeddings=embeddings, options=OPTIONS)
    (found,) = evaluate_embeddings(embeddings, [open_benchmark(None, given)])
    assert isinstance(found, PairsResult)
    return found


def test_pairs_have_the_figures_and_intervals_of_an_assessment(tmp_path):
    found, scored = of_pairs(tmp_path, people()), of_pairs(tmp_path, people()).scored
    reference = assess(scored.scores, scored.same, scored.fold, scored.units, replicates=50)
    assert found.assessment == reference
    assert found.main == Main("accuracy", reference.verification.accuracy)
    assert {row.name: (row.value, row.interval) for row in found.table.rows[:3]} == {
        "accuracy": (reference.verification.accuracy, reference.accuracy),
        "AUC": (reference.verification.auc, reference.auc),
        "EER": (reference.verification.eer, reference.eer),
    }
    drawn = replicate(scored.scores, scored.same, scored.fold, scored.drawn, count=50)
    own = found.replicates(found.draws(50))
    for name in ("accuracy", "auc", "eer"):
        np.testing.assert_array_equal(own[name], getattr(drawn, name))
    far, tar = found.curves()["ROC"]
    assert np.trapezoid(tar, far) == pytest.approx(reference.verification.auc, abs=1e-12)


def test_the_worst_pairs_come_by_name(tmp_path):
    found = of_pairs(tmp_path, people())
    worst, scores, same = found.worst(6), found.scored.scores, found.scored.same
    assert [pair.same for pair in worst] == [False, True] * 3
    assert worst[0].score == scores[~same].max()
    assert worst[1].score == scores[same].min()
    assert worst[1].a.split("/")[0] == worst[1].b.split("/")[0]
    assert len({(pair.a, pair.b) for pair in found.worst(10**6)}) == len(same)


@dataclass(frozen=True, eq=False)
class Identification:
    """1:N: of each person's images the first is enrolled, the others are probes of a closed set."""

    images: EmbeddingSet
    name: str = "1:N"
    fit: None = None
    remarks: Sequence[str] = ()

    def evaluate(self, embeddings: np.ndarray) -> Result:
        unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
        people = np.array([path.split("/")[0] for path in self.images.paths])
        _, gallery, person = np.unique(people, return_index=True, return_inverse=True)
        probes = np.setdiff1d(np.arange(len(people)), gallery)
        ranked = np.argsort(-(unit[probes] @ unit[gallery].T), axis=1)
        rank = np.argmax(ranked == person[probes, None], axis=1)

        def figures(times: Times) -> Mapping[str, np.ndarray]:
            weight = times[person[probes]]
            with np.errstate(invalid="ignore"):
                return {f"rank {k}": weight[rank < k].sum(0) / weight.sum(0) for k in (1, 3)}

        return Figures(self.name, figures, Units(len(gallery)), "rank 1", count=50)


def test_identification_is_one_function_of_weights():
    embeddings = people(noise=1.5)
    benchmark: Benchmark = Identification(embeddings)
    (found,) = evaluate_embeddings(embeddings, [benchmark])
    rows = [row / np.linalg.norm(row) for row in embeddings.rows]
    hits = []
    for number in (number for number in range(32) if number % 4):
        cosines = [float(rows[number] @ rows[4 * person]) for person in range(8)]
        hits.append(cosines.index(max(cosines)) == number // 4)
    assert 0 < np.mean(hits) < 1
    assert found.main == Main("rank 1", pytest.approx(np.mean(hits)))
    (times,) = found.draws(50)
    by_hand = [
        np.average(hits, weights=np.repeat(times[:, draw], 3)) for draw in range(50)
    ]  # three probes per person
    np.testing.assert_allclose(found.replicates([times])["rank 1"], by_hand)
    assert found.table.rows[0].interval.low == pytest.approx(np.quantile(by_hand, 0.025))


@dataclass(frozen=True, eq=False)
class ByGroup:
    """The AUC of each group of people, and the gap between the best and the worst, the lower the better."""

    pairs: Benchmark
    groups: Mapping[str, str]
    name: str = "by group"

    @property
    def images(self) -> Imaged:
        return self.pairs.images

    fit = None
    remarks = ()

    def evaluate(self, embeddings: np.ndarray) -> Result:
        scored = self.pairs.evaluate(embeddings).scored
        group = np.array([self.groups[path.split("/")[0]] for path in scored.paths])
        left, right = group[scored.pairs.left], group[scored.pairs.right]
        parts = {
            name: PairsResult(scored.where((left == name) & (right == name)), OPTIONS)
            for name in sorted(set(group))
        }

        def figures(times: Times) -> Mapping[str, np.ndarray]:
            found = {name: part.weighted(times)["auc"] for name, part in parts.items()}
            return {**found, "gap": np.ptp(list(found.values()), axis=0)}

        return Figures(self.name, figures, scored.units.whole, "gap", "lower", count=50)


def test_groups_are_parts_of_one_set_of_pairs_under_the_same_draws(tmp_path):
    embeddings = people(noise=1.2)
    groups = {f"p{person}": "even" if person % 2 == 0 else "odd" for person in range(8)}
    given = Given(path=str(listed(tmp_path, embeddings)), embeddings=embeddings, options=OPTIONS)
    (found,) = evaluate_embeddings(embeddings, [ByGroup(open_benchmark(None, given), groups)])
    unit = embeddings.rows / np.linalg.norm(embeddings.rows, axis=1, keepdims=True)
    expected = {}
    for name, first in (("even", 0), ("odd", 1)):
        numbers = [n for n in range(32) if n // 4 % 2 == first]
        pairs = [(a, b) for a in numbers for b in numbers if a < b]
        genuine = [unit[a] @ unit[b] for a, b in pairs if a // 4 == b // 4]
        impostor = [unit[a] @ unit[b] for a, b in pairs if a // 4 != b // 4]
        expected[name] = np.mean([g > i for g in genuine for i in impostor])
    assert found.figures["even"] == pytest.approx(expected["even"], abs=1e-6)
    assert found.main == Main(
        "gap", pytest.approx(abs(expected["even"] - expected["odd"]), abs=1e-6), "lower"
    )
    assert found.main.beats(0.9)
    assert not found.main.beats(0.0)


def test_two_runs_are_compared_in_pairs_on_any_benchmark():
    better, worse = (Identification(people(noise=noise)) for noise in (0.5, 2.0))
    first, second = better.evaluate(better.images.rows), worse.evaluate(worse.images.rows)
    draws = list(first.draws(50, seed=3))
    assert all(np.array_equal(a, b) for a, b in zip(draws, second.draws(50, seed=3), strict=True))
    difference = first.replicates(draws)["rank 1"] - second.replicates(draws)["rank 1"]
    assert np.quantile(difference, 0.025) > 0


def test_a_table_is_text_and_json():
    table = Table("title", [Row("a", 0.5), Row("angle", 12.34, unit="degrees", note="noted")], notes=["end"])
    assert list(table.lines()) == [
        "title",
        "%                 figure   95 % interval",
        "a                  50.00   none",
        "angle               12.3   none              noted",
        "end",
    ]
    assert table.as_dict()["rows"][1]["value"] == 12.34


def test_benchmarks_are_found_by_name_and_by_what_they_claim(tmp_path):
    with pytest.raises(FacezooError, match="unknown benchmark 'lwf'; did you mean 'lfw'"):
        open_benchmark("lwf", Given(path="x"))
    with pytest.raises(FacezooError, match="holds no list of pairs, and nothing else that a benchmark reads"):
        open_benchmark(None, Given(path=str(tmp_path)))
    path = listed(tmp_path, people())
    with pytest.raises(FacezooError, match="not what benchmark 'lfw' reads"):
        open_benchmark("lfw", Given(path=str(path)))
    benchmark = open_benchmark("csv", Given(path=str(tmp_path), embeddings=people()))
    assert benchmark.name == f"{tmp_path.name}/pairs.csv"
    with pytest.raises(FacezooError, match="was opened with embeddings, and has no images"):
        open_images(benchmark, None)
