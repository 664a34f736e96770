"""Replicates over identities against lists in which pairs really are repeated; intervals against theory."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facezoo import FacezooError
from facezoo.data import Pairs
from facezoo.evaluation import (
    area_under_curve,
    equal_error_rate,
    holm,
    identities_of_pairs,
    pairs_as_units,
    percentiles,
    replicate,
    two_sided,
    wilson,
)
from facezoo.evaluation.bootstrap import draws
from facezoo.evaluation.identities import PairUnits, units_of
from support.searches import short_and_long
from support.thresholds import slow_threshold


def pairs_of(seed: int, count: int, people: int, decimals: int) -> tuple[np.ndarray, ...]:
    """Scores with ties, truths, folds and units of random pairs of a few people."""
    random = np.random.default_rng(seed)
    left, right = random.integers(0, people, (2, count))
    right = np.where(random.random(count) < 0.4, left, right)
    same = left == right
    scores = np.round(random.normal(same * 0.8, 0.5), decimals)
    return scores, same, random.integers(0, 3, count), PairUnits(left, right, people)


def slow_weights(units: PairUnits, same: np.ndarray, drawn: list[int]) -> list[int]:
    """How often each pair stands in a list made from these people, drawn with replacement."""
    weights = []
    for a, b, genuine in zip(units.left.tolist(), units.right.tolist(), same, strict=True):
        weights.append(drawn.count(a) if genuine else drawn.count(a) * drawn.count(b))
    return weights


def slow_accuracy(scores, same, fold) -> float:
    judgements = []
    for number in sorted(set(fold.tolist())):
        inside = fold == number
        if inside.all():
            continue
        order = np.argsort(scores[~inside], kind="stable")
        threshold = slow_threshold(scores[~inside][order].tolist(), same[~inside][order].tolist())
        judgements += ((scores[inside] >= threshold) == same[inside]).tolist()
    return sum(judgements) / len(judgements) if judgements else math.nan


def slow_tar(scores, same, far: float) -> float:
    impostors = sorted(scores[~same].tolist(), reverse=True)
    allowed = math.floor(Fraction(str(far)) * len(impostors))
    refused = impostors[allowed] if allowed < len(impostors) else -math.inf
    return float(np.mean(scores[same] > refused))


def drawn_people(units: PairUnits, count: int, seed: int) -> list[list[int]]:
    random = np.random.default_rng(seed)
    return random.integers(0, units.count, (units.count, count)).T.tolist()


@pytest.mark.parametrize(("count", "people", "decimals"), [(60, 6, 1), (200, 12, 3), (25, 3, 0), (12, 8, 1)])
def test_a_replicate_equals_the_figures_of_the_repeated_list(count, people, decimals):
    scores, same, fold, units = pairs_of(count, count, people, decimals)
    found = replicate(scores, same, fold, units, fars=(0.1, 0.35), count=60, seed=4)
    compared = 0
    for number, drawn in enumerate(drawn_people(units, 60, 4)):
        repeats = np.repeat(np.arange(count), slow_weights(units, same, drawn))
        s, t, f = scores[repeats], same[repeats], fold[repeats]
        if len(s) == 0 or t.all() or not t.any():
            assert math.isnan(found.auc[number])
            continue
        compared += 1
        assert found.accuracy[number] == pytest.approx(slow_accuracy(s, t, f), nan_ok=True)
        assert found.auc[number] == pytest.approx(area_under_curve(s, t))
        assert found.eer[number] == pytest.approx(equal_error_rate(s, t))
        for row, far in enumerate((0.1, 0.35)):
            assert found.tar[row, number] == pytest.approx(slow_tar(s, t, far))
            assert np.mean(s[t] >= found.threshold[row, number]) == found.tar[row, number]
            assert np.mean(s[~t] >= found.threshold[row, number]) <= far
    assert compared > 30


@short_and_long
@given(
    st.lists(st.tuples(st.integers(-3, 3), st.booleans(), st.integers(0, 2)), min_size=4, max_size=25),
    st.integers(0, 1000),
)
def test_weighted_thresholds_follow_the_rule_in_every_degenerate_case(length, pairs, seed):
    scores = np.array([score / 4 for score, _, _ in pairs])
    same = np.array([truth for _, truth, _ in pairs])
    fold = np.array([number for _, _, number in pairs])
    found = replicate(scores, same, fold, pairs_as_units(len(pairs)), count=5, seed=seed)
    for number, drawn in enumerate(drawn_people(pairs_as_units(len(pairs)), 5, seed)):
        repeats = np.array(sorted(drawn))
        expected = slow_accuracy(scores[repeats], same[repeats], fold[repeats])
        assert found.accuracy[number] == pytest.approx(expected, nan_ok=True)


def test_weights_are_products_of_how_often_people_are_drawn():
    _, same, _, units = pairs_of(1, 80, 5, 2)
    found = np.concatenate(list(draws(units, same, 30, seed=9)), axis=1)
    expected = [slow_weights(units, same, drawn) for drawn in drawn_people(units, 30, 9)]
    np.testing.assert_array_equal(found.T, expected)


def test_replicates_of_two_scorings_belong_together():
    scores, same, fold, units = pairs_of(2, 300, 20, 2)
    first = replicate(scores, same, fold, units, count=200, seed=1)
    again = replicate(2 * scores, same, fold, units, count=200, seed=1)
    np.testing.assert_array_equal(first.accuracy, again.accuracy)
    noisy = scores + np.random.default_rng(0).normal(0, 1, 300)
    worse = replicate(noisy, same, fold, units, count=200, seed=1)
    paired = np.std(first.accuracy - worse.accuracy)
    apart = np.std(first.accuracy - np.roll(worse.accuracy, 1))
    assert paired < apart


@pytest.mark.slow
def test_the_interval_covers_what_it_should():
    """People differ, pairs share them: over many samples the interval of the AUC holds the truth 95 % of the
    time, within the noise of 120 samples, where one over pairs would not."""

    def sample(seed: int) -> tuple[np.ndarray, np.ndarray, PairUnits]:
        random = np.random.default_rng(seed)
        shift = random.normal(0, 0.8, 40)  # people whose genuine scores are low or high
        left = np.repeat(np.arange(40), 10)
        right = np.where(np.arange(400) % 2 == 0, left, (left + random.integers(1, 40, 400)) % 40)
        same = left == right
        scores = np.where(same, 1 + shift[left], 0) + random.normal(0, 0.6, 400)
        return scores, same, PairUnits(left, right, 40)

    one_fold = np.zeros(400, np.int64)
    truth = np.mean([area_under_curve(*sample(seed)[:2]) for seed in range(1000, 3000)])
    covered = {True: 0, False: 0}
    for seed in range(120):
        scores, same, units = sample(seed)
        for known in (True, False):
            resampled = units if known else pairs_as_units(400)
            interval = percentiles(replicate(scores, same, one_fold, resampled, count=300).auc, "")
            covered[known] += interval.low <= truth <= interval.high
    assert covered[True] >= 104  # 95 % of 120 is 114, with a standard error of 2.4; small samples cover less
    assert covered[False] < covered[True]


@pytest.mark.parametrize(
    ("paths", "identities"),
    [
        (["ann/1.jpg", "ann/2.jpg", "bob/1.jpg"], 2),
        (["1/frontal/1.jpg", "1/profile/2.jpg", "2/frontal/1.jpg"], 2),
        (["1.jpg", "2.jpg", "3.jpg"], None),
        (["ann/1.jpg", "bob/2.jpg", "ann/3.jpg"], None),
    ],
)
def test_identities_are_folders_that_agree_with_every_pair(paths, identities):
    pairs = Pairs(np.array([0, 0]), np.array([1, 2]), np.array([True, False]))
    units = identities_of_pairs(paths, pairs)
    assert (units and units.count) == identities
    if units:
        np.testing.assert_array_equal(units.left == units.right, pairs.same)


def test_only_people_in_pairs_are_drawn():
    pairs = Pairs(np.array([0, 3]), np.array([1, 4]), np.array([True, False]))
    units = units_of(["a", "a", "nobody", "b", "c"], pairs)
    assert (units.count, units.left.tolist(), units.right.tolist()) == (3, [0, 1], [0, 2])


def slow_wilson(successes: int, trials: int) -> tuple[float, float]:
    """The shares at which a binomial test by the normal approximation just does not refuse, by bisection."""
    z, share = 1.959963984540054, successes / trials

    def refused(p: float) -> bool:
        return abs(share - p) > z * math.sqrt(p * (1 - p) / trials)

    ends = []
    for end in (0.0, 1.0):
        inside, outside = share, end
        for _ in range(200):
            middle = (inside + outside) / 2
            inside, outside = (inside, middle) if refused(middle) else (middle, outside)
        ends.append(inside)
    return ends[0], ends[1]


@pytest.mark.parametrize(("successes", "trials"), [(0, 10), (10, 10), (1, 3), (5_900, 6_000), (1, 1)])
def test_wilson_is_where_the_test_just_does_not_refuse(successes, trials):
    interval = wilson(successes, trials)
    assert (interval.low, interval.high) == pytest.approx(slow_wilson(successes, trials), abs=1e-9)


@pytest.mark.parametrize(("successes", "trials"), [(0, 0), (3, 2), (-1, 2)])
def test_proportions_that_cannot_be_have_no_interval(successes, trials):
    with pytest.raises(FacezooError):
        wilson(successes, trials)


def test_percentiles_leave_out_what_is_undefined_and_need_half():
    values = np.append(np.arange(101.0), np.nan)
    interval = percentiles(values, "so")
    assert (interval.low, interval.high) == pytest.approx((2.5, 97.5))
    assert interval.method == "so"
    assert percentiles(np.array([1.0, np.nan]), "so") is None


def test_p_values_count_the_rarer_side_twice():
    assert two_sided(np.arange(1, 100.0)) == 2 * 1 / 100
    assert two_sided(np.concatenate([np.arange(1, 99.0), [-1]])) == 2 * 2 / 100
    assert two_sided(np.zeros(99)) == 1


def test_holm_equals_its_definition():
    # hypotheses are rejected from the smallest p on, each at 0.05 / (those left), until one is not
    for seed in range(50):
        p_values = (np.random.default_rng(seed).random(6) ** 4).tolist()
        rejected = set()
        for rank, place in enumerate(sorted(range(6), key=p_values.__getitem__)):
            if p_values[place] > 0.05 / (6 - rank):
                break
            rejected.add(place)
        assert {place for place, p in enumerate(holm(p_values)) if p <= 0.05} == rejected
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([]) == []
