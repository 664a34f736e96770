"""Uniform accuracy and geometry against loops over every threshold and every pair."""

from __future__ import annotations

import math
from contextlib import suppress
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

import facezoo
from facezoo import FacezooError
from facezoo.benchmarks import Given, Options, open_benchmark
from facezoo_uniform.accuracy import UniformAccuracy, uniform_accuracy
from facezoo_uniform.angles import geometry
from facezoo_uniform.class_scores import cosines_to_classes, of_matrix
from support.searches import short_and_long

samples = st.lists(
    st.tuples(st.integers(-4, 4), st.integers(-4, 4), st.integers(0, 3)), min_size=1, max_size=30
)


def slow_best(rows: list[tuple[float, float]]) -> int:
    """Samples with other < t <= own at the best t; only the metrics of own classes need to be tried."""
    return max((sum(other < t <= own for own, other in rows) for t, _ in rows), default=0)


@short_and_long
@given(samples)
def test_uniform_accuracy_equals_the_loop_over_thresholds(length, rows):
    own, other, labels = (np.array(column) for column in zip(*rows, strict=True))
    found = uniform_accuracy(own / 8, other / 8, labels)
    pairs = list(zip((own / 8).tolist(), (other / 8).tolist(), strict=True))
    by_class = sum(
        slow_best([pair for pair, label in zip(pairs, labels, strict=True) if label == number])
        for number in set(labels.tolist())
    )
    assert found.uni == slow_best(pairs) / len(rows)
    assert found.by_class == by_class / len(rows)
    assert found.by_sample == sum(other < own for own, other in pairs) / len(rows)
    assert found.uni <= found.by_class <= found.by_sample
    if found.threshold is None:
        assert found.uni == 0
        return
    for t in (found.threshold, np.nextafter(found.low, 1), found.high):
        assert sum(other < t <= own for own, other in pairs) / len(rows) == found.uni
    for t in (found.low, np.nextafter(found.high, 1)):  # it ends where the count changes
        assert sum(other < t <= own for own, other in pairs) / len(rows) < found.uni


def test_the_widest_interval_gives_the_threshold_and_the_gap():
    own, other = np.array([0.2, 0.9]), np.array([0.1, 0.3])
    found = uniform_accuracy(own, other, np.array([0, 1]), learned=0.5)
    assert (found.uni, found.by_class, found.low, found.high) == (0.5, 1, 0.3, 0.9)
    assert (found.threshold, found.gap) == pytest.approx((0.6, 0.1))


def test_a_single_class_has_no_others():
    found = uniform_accuracy(np.array([0.5, 0.7]), np.full(2, -np.inf), np.zeros(2, int))
    assert (found.uni, found.threshold, found.low) == (1, 0.5, None)


@pytest.mark.parametrize("own", [[], [math.nan], [math.inf]])
def test_metrics_that_are_no_numbers_are_refused(own):
    with pytest.raises(FacezooError, match="uniform accuracy of"):
        uniform_accuracy(np.array(own), np.zeros(len(own)), np.zeros(len(own), int))


@pytest.mark.parametrize("subcentres", [1, 3])
def test_cosines_stream_over_the_classes(subcentres, monkeypatch):
    settings = {"subcentres": subcentres} if subcentres > 1 else {}
    loss = facezoo.build("arcface" if settings else "cosface", classes=37, dim=8, **settings)
    random = np.random.default_rng(0)
    embeddings, labels = random.normal(0, 3, (600, 8)).astype(np.float32), random.integers(0, 37, 600)
    own, other = cosines_to_classes(loss, embeddings, labels)
    weight = loss.prototypes.weight.detach().double().numpy().reshape(37, subcentres, 8)
    for row in range(0, 600, 7):
        cosines = [
            max(
                float(embeddings[row] @ centre / np.linalg.norm(embeddings[row]) / np.linalg.norm(centre))
                for centre in centres
            )
            for centres in weight
        ]
        assert own[row] == pytest.approx(cosines[labels[row]], abs=1e-6)
        del cosines[labels[row]]
        assert other[row] == pytest.approx(max(cosines), abs=1e-6)


def test_any_classifiers_scores():
    random = np.random.default_rng(1)
    scores, labels = random.normal(size=(700, 5)).astype(np.float32), random.integers(0, 5, 700)
    own, other = of_matrix(scores, labels)
    for row in range(700):
        rest = [float(s) for c, s in enumerate(scores[row]) if c != labels[row]]
        assert (own[row], other[row]) == (float(scores[row, labels[row]]), max(rest))


@pytest.mark.parametrize(
    ("shape", "labels"), [((3, 2), [0, 1]), ((2, 1), [0, 0]), ((2, 3), [0, 3]), ((2, 3), [-1, 0])]
)
def test_scores_and_labels_must_fit(shape, labels):
    with pytest.raises(FacezooError):
        of_matrix(np.zeros(shape), np.array(labels))


def slow_angle(a, b) -> float:
    cosine = sum(x * y for x, y in zip(a, b, strict=True)) / math.hypot(*a) / math.hypot(*b)
    return math.degrees(math.acos(max(-1.0, min(1.0, cosine))))


@pytest.mark.parametrize("seed", range(5))
def test_geometry_equals_the_loop_over_pairs(seed, monkeypatch):
    monkeypatch.setattr("facezoo_uniform.angles._ELEMENTS", 70)  # several blocks
    random = np.random.default_rng(seed)
    labels = random.integers(0, 7, 24)
    centres = random.normal(0, 1, (7, 4))
    rows = (centres[labels] + random.normal(0, 0.15, (24, 4))) * random.uniform(0.5, 9, (24, 1))
    found = geometry(rows.astype(np.float32), labels)
    rows = rows.astype(np.float32).tolist()
    angles = {(i, j): slow_angle(rows[i], rows[j]) for i, j in combinations(range(24), 2)}
    intra = [angle for (i, j), angle in angles.items() if labels[i] == labels[j]]
    inter = [angle for (i, j), angle in angles.items() if labels[i] != labels[j]]
    met = judged = 0
    for number in set(labels.tolist()):
        own = [a for (i, j), a in angles.items() if labels[i] == labels[j] == number]
        others = [a for (i, j), a in angles.items() if (labels[i] == number) != (labels[j] == number)]
        judged += bool(own)
        met += bool(own) and max(own) < min(others)
    assert (found.intra_max, found.inter_min) == pytest.approx((max(intra), min(inter)), abs=1e-5)
    assert found.intra_mean == pytest.approx(sum(intra) / len(intra), abs=1e-5)
    assert found.inter_mean == pytest.approx(sum(inter) / len(inter), abs=1e-5)
    assert (found.criterion, found.judged) == (met / judged, judged)
    assert (found.classes, found.images) == (len(set(labels.tolist())), 24)


def test_identical_and_opposite_embeddings():
    rows = np.array([[1, 0], [1, 0], [-2, 0]], np.float32)
    found = geometry(rows, np.array(["a", "a", "b"]))
    assert (found.intra_max, found.inter_min, found.criterion, found.judged) == (0, 180, 1, 1)


def test_what_is_missing_is_undefined():
    alone = geometry(np.eye(2), np.array([0, 1]))
    assert (alone.intra_max, alone.criterion, alone.judged, alone.inter_min) == (None, None, 0, 90)
    together = geometry(np.eye(2), np.array([0, 0]))
    assert (together.inter_min, together.criterion, together.intra_mean) == (None, None, 90)


@pytest.mark.parametrize("row", [[0.0, 0.0], [math.nan, 1.0]])
def test_embeddings_without_a_direction_are_refused(row):
    with pytest.raises(FacezooError, match="1 of 2 embeddings"):
        geometry(np.array([[1.0, 0.0], row]), np.array([0, 1]))


def test_class_vectors_that_no_step_has_moved_say_nothing():
    loss = facezoo.build("arcface", classes=1100, dim=8, seed=3, subcentres=2)
    vectors = loss.prototypes
    assert vectors.untouched(3)
    assert not vectors.untouched(4)
    with torch.no_grad():
        for _ in range(500):  # weight decay rounds, and turns nothing
            vectors.weight *= 1 - 1e-3
        assert vectors.untouched(3)
        vectors.weight[1099, 1] += 1e-3  # one step of one class is training
    assert not vectors.untouched(3)


def uniform_of_file(path: Path, **options) -> UniformAccuracy:
    benchmark = open_benchmark(None, Given(path=str(path), options=Options(**options)))
    return benchmark.evaluate(benchmark.images.rows).uniform


def scored(path: Path, **arrays) -> Path:
    np.savez(path / "s.npz", **arrays)
    return path / "s.npz"


def test_scores_that_are_distances_must_be_said_to_be(tmp_path: Path):
    random = np.random.default_rng(0)
    labels = random.integers(0, 4, 60)
    similar = random.normal(size=(60, 4)) + 3 * (np.arange(4) == labels[:, None])
    expected = uniform_of_file(scored(tmp_path, score=similar, label=labels, threshold=np.array(1.5)))
    distances = scored(tmp_path, score=-similar, label=labels, threshold=np.array(-1.5))
    with pytest.raises(FacezooError, match=r"the AUC is 0\.0\d+: own classes score lower than others"):
        uniform_of_file(distances)
    assert uniform_of_file(distances, distances=True) == expected
    grey = np.clip(100 - 20 * similar, 0, 255).astype(np.uint8)  # unsigned numbers do not wrap
    assert uniform_of_file(scored(tmp_path, score=grey, label=labels), distances=True).by_sample > 0.8


@pytest.mark.parametrize("count", [2, 4])
def test_a_file_of_scores_has_a_label_per_row(tmp_path: Path, count: int):
    file = scored(tmp_path, score=np.eye(3), label=np.arange(count) % 3)
    with pytest.raises(FacezooError, match=rf"3 scores, but {count} pairs in `labels`"):
        uniform_of_file(file)


@pytest.mark.parametrize("row", [0.0, np.nan])
def test_a_row_of_scores_that_says_nothing_failed_to_enrol(tmp_path: Path, row):
    scores = np.array([[0.9, 0.1], [row, row], [0.2, 0.6]])
    file = scored(tmp_path, score=scores, label=np.array([0, 1, 1]))
    with pytest.raises(
        FacezooError, match=r"s\.npz: 1 of 3 rows of scores are zero or not finite, such as 'row 1'"
    ):
        uniform_of_file(file)
    rejected, dropped = (uniform_of_file(file, failed=failed) for failed in ("reject", "drop"))
    assert (rejected.uni, rejected.samples, rejected.failed) == (2 / 3, 3, 1)
    assert (dropped.uni, dropped.samples, dropped.failed) == (1, 2, 1)


def test_a_sample_that_failed_is_told_apart_by_no_threshold():
    own, other = np.array([0.9, 0.8, np.nan]), np.array([0.1, 0.2, np.nan])
    found = uniform_accuracy(own, other, [0, 1, 1], failed=[False, False, True])
    assert (found.uni, found.by_class, found.by_sample) == (2 / 3, 2 / 3, 2 / 3)
    assert (found.failed, found.samples, found.classes) == (1, 3, 2)
    with pytest.raises(FacezooError, match="of which 1 have metrics that are no numbers"):
        uniform_accuracy(own, other, [0, 1, 1])


@pytest.mark.parametrize("threshold", [np.array([0.1, 0.2]), np.array("0.1"), np.array(np.nan)])
def test_a_threshold_that_is_no_number_is_refused(tmp_path: Path, threshold: np.ndarray):
    np.savez(tmp_path / "s.npz", score=np.eye(3), label=np.arange(3), threshold=threshold)
    with pytest.raises(FacezooError, match=r"s\.npz: threshold: .*, not one finite number"):
        uniform_of_file(tmp_path / "s.npz")


KINDS = st.sampled_from(["f2", "f4", "f8", ">f4", "f16", "i1", "u1", "i8", "u8", "b1", "U3", "S2"])
ARRAYS = KINDS.flatmap(
    lambda kind: arrays(kind, array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
)


@pytest.mark.soak
@pytest.mark.slow
@given(score=ARRAYS, label=ARRAYS, threshold=ARRAYS, failed=st.sampled_from([None, "drop", "reject"]))
def test_no_scores_are_more_than_an_error(tmp_path_factory, score, label, threshold, failed):
    path = tmp_path_factory.getbasetemp() / "fuzzed.npz"
    np.savez(path, score=score, label=label, threshold=threshold)
    with suppress(FacezooError):
        uniform_of_file(path, failed=failed)
