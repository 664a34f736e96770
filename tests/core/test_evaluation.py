"""Verification figures against slow loops that share nothing with them."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import nn

from facezoo import FacezooError
from facezoo.data import Pairs, Preprocessing, open_store, read_folder
from facezoo.evaluation import (
    area_under_curve,
    embed,
    equal_error_rate,
    pair_cosines,
    stratified_folds,
    verify,
)
from facezoo.evaluation.plateaus import Levels, best_thresholds
from support.faces import identity_folder, real_data
from support.searches import short_and_long
from support.thresholds import slow_threshold


def slow_auc(scores: list[float], same: list[bool]) -> Fraction:
    genuine = [s for s, t in zip(scores, same, strict=True) if t]
    impostor = [s for s, t in zip(scores, same, strict=True) if not t]
    wins = sum(Fraction(g > i) + Fraction(g == i) / 2 for g in genuine for i in impostor)
    return wins / (len(genuine) * len(impostor))


def slow_eer(scores: list[float], same: list[bool]) -> Fraction:
    """Walk along the ROC curve's straight pieces until FAR = FRR."""
    genuine = [s for s, t in zip(scores, same, strict=True) if t]
    impostor = [s for s, t in zip(scores, same, strict=True) if not t]
    points = []
    for threshold in [*sorted(set(scores)), math.inf]:
        far = Fraction(sum(s >= threshold for s in impostor), len(impostor))
        frr = Fraction(sum(s < threshold for s in genuine), len(genuine))
        points.append((far, frr))
    for (far, frr), (next_far, next_frr) in pairwise(points):
        if next_far <= next_frr:
            share = (far - frr) / ((far - frr) + (next_frr - next_far))
            return far + share * (next_far - far)
    raise AssertionError("the curve ends at FAR 0, FRR 1")


# few distinct values: ties within and between the kinds are the rule
scored = st.lists(st.tuples(st.integers(-4, 4).map(lambda n: n / 8), st.booleans()), min_size=2, max_size=40)
both_kinds = scored.filter(lambda pairs: len({same for _, same in pairs}) == 2)


@short_and_long
@given(scored)
def test_the_threshold_is_the_middle_of_the_widest_best_interval(length, pairs: list[tuple[float, bool]]):
    scores, same = (list(column) for column in zip(*sorted(pairs), strict=True))
    levels, sign = Levels.of(np.array(scores)), np.where(same, -1, 1)[:, None]
    found = best_thresholds(
        levels, levels.sums(sign), lambda columns: np.ones((len(levels.values), len(columns)), bool)
    )
    assert found.tolist() == [slow_threshold(scores, same)]


@short_and_long
@given(both_kinds)
def test_auc_and_eer_equal_the_slow_ones(length, pairs: list[tuple[float, bool]]):
    scores, same = (list(column) for column in zip(*pairs, strict=True))
    assert area_under_curve(np.array(scores), np.array(same)) == float(slow_auc(scores, same))
    assert equal_error_rate(np.array(scores), np.array(same)) == pytest.approx(float(slow_eer(scores, same)))


def test_ten_folds_equal_the_slow_loop():
    random = np.random.default_rng(5)
    same = random.random(400) < 0.4
    scores = np.round(random.normal(same * 0.5, 0.4), 2)  # many ties
    fold = random.integers(0, 10, 400)
    accuracies = []
    for number in range(10):
        others = [(float(s), bool(t)) for s, t, f in zip(scores, same, fold, strict=True) if f != number]
        threshold = slow_threshold([s for s, _ in others], [t for _, t in others])
        mine = [(s >= threshold) == t for s, t, f in zip(scores, same, fold, strict=True) if f == number]
        accuracies.append(sum(map(int, mine)) / len(mine))
    found = verify(scores, same, fold)
    mean = sum(accuracies) / 10
    sd = math.sqrt(sum((accuracy - mean) ** 2 for accuracy in accuracies) / 9)
    assert found.fold_accuracy == pytest.approx(accuracies)
    assert (found.accuracy, found.fold_sd, found.se) == pytest.approx((mean, sd, sd / math.sqrt(10)))
    assert (found.genuine, found.impostor) == (int(same.sum()), int((~same).sum()))


in_folds = st.lists(
    st.tuples(st.integers(-4, 4).map(lambda n: n / 8), st.booleans(), st.integers(0, 3)),
    min_size=8,
    max_size=40,
)


@short_and_long
@given(in_folds, st.randoms(use_true_random=False))
def test_figures_depend_on_no_order_and_ranks_on_no_scale(length, pairs, random):
    columns = [np.array(column) for column in zip(*pairs, strict=True)]
    assume(len(set(columns[2])) > 1 and 0 < columns[1].sum() < len(pairs))
    assume(area_under_curve(*columns[:2]) >= 0.2)
    found = verify(*columns)
    order = random.sample(range(len(pairs)), len(pairs))
    assert verify(*(column[order] for column in columns)) == found
    stretched = verify(np.exp(3 * columns[0]), *columns[1:])
    assert (stretched.auc, stretched.eer) == (found.auc, found.eer)
    # with kinds exchanged and scores turned round it is the same task
    assert area_under_curve(-columns[0], ~columns[1]) == found.auc


def test_perfect_separation_and_its_opposite():
    same = np.array([True, False] * 10)
    fold = np.arange(20) // 4
    good = verify(same.astype(float), same, fold)
    assert (good.accuracy, good.fold_sd, good.auc, good.eer) == (1, 0, 1, 0)
    assert good.thresholds == (0.5,) * 5
    distances = -same.astype(float)
    assert (area_under_curve(distances, same), equal_error_rate(distances, same)) == (0, 1)
    with pytest.raises(FacezooError, match=r"the AUC is 0\.0000.*\n.*distances=True; --distances"):
        verify(distances, same, fold)
    assert verify(distances, same, fold, distances=True) == good


def test_scores_that_are_all_equal_say_nothing():
    same = np.array([True, False, False] * 10)
    figures = verify(np.zeros(30), same, np.arange(30) // 3)
    assert (figures.accuracy, figures.majority) == pytest.approx((2 / 3, 2 / 3))
    assert (figures.auc, figures.eer) == (0.5, 0.5)


@pytest.mark.parametrize("kind", [True, False])
def test_with_one_kind_of_pair_auc_and_eer_are_undefined(kind: bool):
    figures = verify(np.linspace(0, 1, 20), np.full(20, kind), np.arange(20) // 2)
    assert (figures.auc, figures.eer, figures.majority) == (None, None, 1)
    assert figures.accuracy >= 0.9


@pytest.mark.parametrize(
    ("scores", "fold", "message"),
    [
        ([0.0, math.nan, 1.0], [0, 1, 1], "1 of 3 scores are not finite"),
        ([0.0, 0.5, 1.0], [0, 0, 0], "3 pairs in 1 folds"),
        ([], [], "0 pairs in 0 folds"),
    ],
)
def test_what_cannot_be_verified_is_refused(scores: list[float], fold: list[int], message: str):
    with pytest.raises(FacezooError, match=message):
        verify(np.array(scores), np.ones(len(scores), bool), np.array(fold, np.int64))


@short_and_long
@given(st.lists(st.booleans(), min_size=2, max_size=60), st.integers(2, 12))
def test_folds_are_stratified(length, same: list[bool], folds: int):
    truth = np.array(same)
    if len(same) < folds:
        with pytest.raises(FacezooError, match=r"evaluate\.folds"):
            stratified_folds(truth, folds)
        return
    fold = stratified_folds(truth, folds)
    counts = np.bincount(fold, minlength=folds)
    assert counts.min() > 0
    for kind in (truth, ~truth):
        held = np.bincount(fold[kind], minlength=folds)
        assert held.max() - held.min() <= 1


class Mean(nn.Module):
    """Column means of the left half of an image, so that a mirror image differs."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))
        self.norm = nn.BatchNorm1d(3)

    def forward(self, images):
        assert not self.training
        assert not torch.is_autocast_enabled("cpu")
        return self.weight * images[..., :16].mean((2, 3))


def test_embeddings_sum_an_image_and_its_mirror_image(tmp_path: Path):
    store = open_store(read_folder(identity_folder(tmp_path)), 32, 2**30)
    backbone = Mean().train()
    preprocessing = Preprocessing(32, "as stored")
    with torch.autocast("cpu", torch.bfloat16):
        plain = embed(backbone, store, preprocessing, batch_size=5, flip=False)
        summed = embed(backbone, store, preprocessing, batch_size=7, flip=True)
    pixels = (store.fetch(np.arange(len(store))).astype(np.float64) - 127.5) / 127.5
    left, right = pixels[:, :, :16].mean((1, 2)), pixels[:, :, 16:].mean((1, 2))
    assert plain.dtype == np.float32
    np.testing.assert_allclose(plain, left, atol=1e-6)
    np.testing.assert_allclose(summed, left + right, atol=1e-6)
    assert backbone.training


def test_cosines_of_pairs():
    embeddings = np.array([[3, 4], [4, 3], [-3, -4]], np.float32)
    pairs = Pairs(np.array([0, 0, 1]), np.array([1, 2, 0]), np.ones(3, bool))
    np.testing.assert_allclose(pair_cosines(embeddings, pairs), [0.96, -1, 0.96])


@pytest.mark.parametrize(("images", "accuracy", "auc"), [("lfw", 0.987, 0.99840)])
def test_the_figures_of_somebody_elses_embeddings(images: str, accuracy: float, auc: float):
    from facezoo.data.pairs import Pairs, read_pairs

    root = real_data("embeddings")
    with np.load(root / f"{images}.npz", allow_pickle=False) as file:  # noqa: TID251
        paths, embeddings = file["path"].tolist(), file["embedding"]
    number = {str(path).removeprefix("lfw/images/").rsplit(".", 1)[0]: n for n, path in enumerate(paths)}
    named = read_pairs(real_data("lfw") / "pairs.txt")
    found, pairs = tuple(named.names), Pairs(named.left, named.right, named.same, named.fold)
    rows = embeddings[[number[name] for name in found]]
    figures = verify(pair_cosines(rows, pairs), pairs.same, pairs.fold)
    assert figures.accuracy == pytest.approx(accuracy, abs=1e-3)
    assert figures.auc == pytest.approx(auc, abs=5e-5)
    assert len(figures.fold_accuracy) == 10
