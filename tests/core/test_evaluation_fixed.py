"""Accuracy at a threshold that the pairs did not choose."""

from __future__ import annotations

import numpy as np
import pytest

from facezoo.evaluation import PairUnits, at_threshold
from facezoo.evaluation.bootstrap import draws

SCORES = np.array([0.1, 0.4, 0.4, 0.7, 0.9])
SAME = np.array([False, False, True, True, False])


def test_a_score_at_the_threshold_is_accepted():
    found = at_threshold(SCORES, SAME, 0.4, None)
    assert (found.accuracy, found.far, found.tar) == (3 / 5, 2 / 3, 1.0)
    assert at_threshold(SCORES, SAME, 0.41, None).tar == 0.5


def test_a_kind_of_pair_that_is_missing_has_no_rate():
    found = at_threshold(SCORES[SAME], SAME[SAME], 0.5, None)
    assert (found.far, found.tar, found.accuracy) == (None, 0.5, 0.5)
    assert found.as_dict()["far"] is None


def test_the_interval_is_over_identities_where_they_are_known():
    random = np.random.default_rng(0)
    left, right = random.integers(0, 9, 300), random.integers(0, 9, 300)
    same = left == right
    scores = random.normal(same * 1.0, 0.6)
    units = PairUnits(left, right, 9)
    found = at_threshold(scores, same, 0.4, units, replicates=200, seed=3)
    shares = []
    for weights in draws(units, same, 200, 3):
        for column in weights.T:  # each pair written down as often as it weighs
            judged = np.repeat((scores >= 0.4) == same, column)
            shares.append(judged.mean())
    assert (found.interval.low, found.interval.high) == pytest.approx(
        tuple(np.quantile(shares, [0.025, 0.975]))
    )
    assert found.interval.method == "bootstrap over 9 identities, 200 replicates"
    assert found.interval.low < found.accuracy < found.interval.high


@pytest.mark.parametrize("units", [None, PairUnits(np.arange(5), np.arange(5), 5)])
def test_without_identities_or_draws_it_is_wilsons(units):
    found = at_threshold(SCORES, SAME, 0.4, units, replicates=0)
    assert found.interval.method == "Wilson, pairs taken as independent"
    assert found.as_dict()["interval"]["low"] == found.interval.low < 3 / 5 < found.interval.high
