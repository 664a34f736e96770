"""TAR@FAR and the ROC curve against loops over every threshold, in whole numbers."""

from __future__ import annotations

import math
import tracemalloc
from fractions import Fraction
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from facezoo import FacezooError
from facezoo.evaluation import (
    PairUnits,
    area_under_curve,
    choose_threshold,
    equal_error_rate,
    roc,
    tar_at_far,
    wilson,
)
from facezoo.evaluation.operating import allowed_impostors
from support.searches import short_and_long

# few distinct values: ties within and between the kinds are the rule
genuine_scores = st.lists(st.integers(-6, 6), min_size=1, max_size=20)
impostor_scores = st.lists(st.integers(-6, 6), min_size=10, max_size=60)


def slow_point(genuine: list[int], impostors: list[int], far: str) -> tuple[Fraction, int] | None:
    """Best TAR over all thresholds with a FAR that is low enough, and the impostors accepted there."""
    found = None
    for threshold in [*sorted({*genuine, *impostors}), math.inf]:
        accepted = sum(score >= threshold for score in impostors)
        if Fraction(accepted, len(impostors)) <= Fraction(far):
            tar = Fraction(sum(score >= threshold for score in genuine), len(genuine))
            if found is None or tar > found[0]:
                found = (tar, accepted)
    return found


def arrays(genuine: list[int], impostors: list[int], dtype=np.float64) -> tuple[np.ndarray, np.ndarray]:
    scores = np.array([*genuine, *impostors]) / 8
    same = np.arange(len(scores)) < len(genuine)
    mixed = np.random.default_rng(len(scores)).permutation(len(scores))
    return scores[mixed].astype(dtype), same[mixed]


def test_each_of_many_rates_has_the_order_statistic_that_a_sort_gives():
    scores = np.random.default_rng(5).normal(size=30_000)
    same = np.arange(len(scores)) < 3_000
    fars = [0.001, 0.01, 0.02, 0.1, 0.3, 0.7]
    falling = np.sort(scores[~same])[::-1]
    for far, point in zip(fars, tar_at_far(scores, same, fars), strict=True):
        allowed = math.floor(far * len(falling) + 1e-6)
        assert point.accepted_impostors == allowed
        assert falling[allowed] < point.threshold <= falling[allowed - 1]
        assert point.tar == (scores[same] > falling[allowed]).mean()


@short_and_long
@given(genuine_scores, impostor_scores, st.sampled_from(["0.2", "0.29", "0.5", "0.9", "1"]))
def test_tar_at_far_equals_the_loop_over_thresholds(length, genuine, impostors, far):
    scores, same = arrays(genuine, impostors, np.float32)
    expected = slow_point(genuine, impostors, far)
    try:
        (point,) = tar_at_far(scores, same, [float(far)])
    except FacezooError:
        turned = area_under_curve(scores, same) < 0.2
        assert math.floor(Fraction(far) * len(impostors)) < 10 or expected[1] < 10 or turned
        return
    assert (point.tar, point.accepted_impostors) == (float(expected[0]), expected[1])
    accepted = scores >= point.threshold
    assert accepted[same].sum() == point.accepted_genuine
    assert accepted[~same].sum() == point.accepted_impostors
    assert point.achieved <= float(far)


def test_several_rates_at_once_equal_each_by_itself():
    random = np.random.default_rng(3)
    same = random.random(30_000) < 0.1
    scores = np.round(random.normal(same * 2.0, 1), 2)
    fars = [0.3, 0.001, 0.01, 1.0]
    assert tar_at_far(scores, same, fars) == [tar_at_far(scores, same, [far])[0] for far in fars]


def test_scores_are_left_as_they_are():
    scores, same = arrays(list(range(5)), list(range(-20, 5)))
    before = scores.copy()
    tar_at_far(scores, same, [0.5])
    roc(scores, same)
    np.testing.assert_array_equal(scores, before)


@pytest.mark.parametrize(
    ("far", "message"),
    [
        (1 / 301, r"FAR 0.00332226 of 3,000 impostor pairs is 9 of them"),
        (1e-6, r"is 0 of them; a figure needs at least 10"),
        (0.0, "FAR 0 is not a rate"),
        (1.5, "FAR 1.5 is not a rate"),
        (math.nan, "FAR nan is not a rate"),
    ],
)
def test_rates_that_the_list_cannot_support_are_refused(far, message):
    scores = np.linspace(0, 1, 3001)
    with pytest.raises(FacezooError, match=message):
        tar_at_far(scores, np.arange(3001) == 3000, [far])


def test_the_lowest_rate_of_lfw_is_one_in_three_hundred():
    scores = np.linspace(0, 1, 3001)
    (point,) = tar_at_far(scores, np.arange(3001) == 3000, [1 / 300])
    assert (point.accepted_impostors, point.achieved, point.tar) == (10, 1 / 300, 1)


@pytest.mark.parametrize(("far", "impostors", "allowed"), [(0.29, 100, 29), (1 / 3, 30, 10), (0.4999, 20, 9)])
def test_rates_mean_the_numbers_that_they_were_written_as(far, impostors, allowed):
    assert allowed_impostors(far, impostors) == allowed


def test_ties_that_leave_fewer_than_ten_are_refused():
    scores = np.concatenate([np.zeros(50), np.ones(9), np.full(41, 0.5), [2.0]])
    with pytest.raises(FacezooError, match="6 or more impostor pairs tie at the threshold, so only 9"):
        tar_at_far(scores, np.arange(101) == 100, [0.14])


@pytest.mark.parametrize(
    ("scores", "same", "message"),
    [
        ([1.0, 2.0], [True, True], "no impostor pair"),
        ([1.0, 2.0], [False, False], "no genuine pair"),
        ([math.nan, 1.0], [True, False], "1 of 2 scores are not finite: 1 of genuine"),
        ([0.0, -math.inf], [True, False], "0 of genuine and 1 of impostor pairs"),
    ],
)
def test_degenerate_sets_are_refused(scores, same, message):
    for figure in (roc, lambda *pairs: tar_at_far(*pairs, [1.0])):
        with pytest.raises(FacezooError, match=message):
            figure(np.array(scores), np.array(same))


@short_and_long
@given(genuine_scores, st.lists(st.integers(-6, 6), min_size=1, max_size=30))
def test_the_curve_passes_through_every_threshold_and_nowhere_else(length, genuine, impostors):
    scores, same = arrays(genuine, impostors)
    assume(area_under_curve(scores, same) >= 0.2)
    curve = roc(scores, same)
    corners = set(zip(curve.far.tolist(), curve.tar.tolist(), strict=True))
    every = set()
    for threshold in [*sorted({*genuine, *impostors}), math.inf]:
        far = sum(score >= threshold for score in impostors) / len(impostors)
        every.add((far, sum(score >= threshold for score in genuine) / len(genuine)))
    assert corners <= every
    assert {(0.0, 0.0), (1.0, 1.0)} <= corners
    for far, tar in every:  # on the straight lines between the corners
        left = max(corner for corner in corners if corner <= (far, tar))
        right = min(corner for corner in corners if corner >= (far, tar))
        across = (right[0] - left[0]) * (tar - left[1]) - (right[1] - left[1]) * (far - left[0])
        assert across == pytest.approx(0, abs=1e-12)
    for far, tar, threshold in zip(curve.far, curve.tar, curve.threshold, strict=True):
        assert far == sum(score / 8 >= threshold for score in impostors) / len(impostors)
        assert tar == sum(score / 8 >= threshold for score in genuine) / len(genuine)


@short_and_long
@given(genuine_scores, impostor_scores)
def test_the_height_of_the_curve_is_interpolated(length, genuine, impostors):
    scores, same = arrays(genuine, impostors)
    assume(area_under_curve(scores, same) >= 0.2)
    curve = roc(scores, same)
    asked = np.linspace(0, 1, 23)
    # np.interp takes any of several heights at one place; beside it they agree
    jumps = np.isin(asked, curve.far)
    expected = np.interp(asked, curve.far, curve.tar)[~jumps]
    np.testing.assert_allclose(curve.at(asked)[~jumps], expected, atol=1e-12)
    for far in asked[jumps]:
        assert curve.at(far) == pytest.approx(curve.tar[curve.far == far].max())


def test_the_equal_error_rate_lies_on_the_curve():
    random = np.random.default_rng(0)
    same = random.random(500) < 0.3
    scores = np.round(random.normal(same, 1.0), 1)
    rate = equal_error_rate(scores, same)
    assert roc(scores, same).at(rate) == pytest.approx(1 - rate)


def test_a_threshold_without_identities_lies_between_order_statistics():
    random = np.random.default_rng(1)
    same = np.arange(5000) < 1000
    scores = random.normal(same * 2.0, 1)
    chosen = choose_threshold(scores, same, 0.05, None)
    assert (chosen.point.accepted_impostors, chosen.tar.method[:6]) == (200, "Wilson")
    share = wilson(200, 4000)
    falling = sorted(scores[~same].tolist(), reverse=True)
    assert chosen.interval.low == falling[math.ceil(share.high * 4000)]
    assert chosen.interval.high == falling[math.floor(share.low * 4000) - 1]
    assert chosen.interval.low < chosen.point.threshold < chosen.interval.high
    # the true threshold lies in it about as often as it should
    truth, covered = NormalDist().inv_cdf(0.95), 0
    for _ in range(200):
        scores = np.append(random.normal(0, 1, 1000), 9.0)
        found = choose_threshold(scores, np.arange(1001) == 1000, 0.05, None).interval
        covered += found.low <= truth <= found.high
    assert 180 <= covered <= 199


def test_an_interval_of_cosines_is_turned_round_as_distances():
    units = PairUnits(np.arange(200) % 20, np.where(np.arange(200) < 40, np.arange(200) % 20, 19), 20)
    same = units.left == units.right
    cosines = np.cos(np.linspace(0, 3, 200))
    chosen = choose_threshold(cosines, same, 0.2, units, replicates=100)
    distances = np.sqrt(2 - 2 * cosines)
    np.testing.assert_array_equal(distances <= chosen.l2, cosines >= chosen.point.threshold)
    assert chosen.l2_interval.low == pytest.approx(math.sqrt(2 - 2 * chosen.interval.high))
    assert chosen.l2_interval.low <= chosen.l2 <= chosen.l2_interval.high


@pytest.mark.parametrize("every", [800, 2])
def test_memory_stays_below_three_copies(every):
    random = np.random.default_rng(0)
    scores, same = random.random(1_000_000), np.arange(1_000_000) % every == 0
    for figure in (
        lambda *pairs: roc(*pairs).at([1e-1, 1e-4]),
        lambda *pairs: tar_at_far(*pairs, [1e-1, 1e-3, 1e-4]),
    ):
        tracemalloc.start()
        figure(scores, same)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak + scores.nbytes < 3 * scores.nbytes
