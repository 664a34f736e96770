"""The threshold between two scores refuses the lower and accepts the higher, whatever doubles they are."""

from __future__ import annotations

import warnings

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from facezoo.evaluation import tar_at_far, verify
from facezoo.evaluation.between import between
from support.searches import short_and_long

doubles = st.floats(allow_nan=False, allow_infinity=False)


@short_and_long
@given(doubles, doubles)
def test_it_lies_above_the_one_and_at_most_at_the_other(length, one, other):
    low, high = sorted((one, other))
    threshold = float(between(low, high))
    assert low < threshold <= high if low < high else threshold == low
    assert float(between(-np.inf, high)) == high
    assert between([low, low], [high, high]).tolist() == [threshold, threshold]


def test_scores_as_far_apart_as_doubles_go_have_a_threshold():
    same = np.arange(40) % 2 == 0
    scores = np.where(same, 1.7e308, -1.7e308)
    assert verify(scores, same, np.arange(40) // 10).accuracy == 1
    assert tar_at_far(np.where(same, 1.7e308, np.linspace(-1.7e308, 0, 40)), same, [0.5])[0].tar == 1


def test_no_distance_is_warned_of():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = between([-np.inf, -1.7e308], [2.0, 1.7e308])
    assert found.tolist() == [2.0, 0.0]
