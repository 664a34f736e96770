"""Every documented function of facezoo.evaluation looks at what it is given; lists and tensors do, too."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from torch import nn

import facezoo.evaluation as evaluation
from facezoo import FacezooError
from facezoo.data import Pairs, Preprocessing
from facezoo.evaluation import PairUnits, Roc, roc, verify
from support.searches import short_and_long

PAIRS = 120
SAME = np.arange(PAIRS) % 3 == 0
LEFT = np.arange(PAIRS) % 7
RIGHT = np.where(SAME, LEFT, (LEFT + 1) % 7)
SCORES = np.random.default_rng(0).normal(SAME * 1.0, 0.4)
FOLD = np.arange(PAIRS) // 12
UNITS = PairUnits(LEFT, RIGHT, 7)
ROWS = np.random.default_rng(1).normal(size=(7, 4))
LISTED = Pairs(LEFT, np.where(SAME, (LEFT + 2) % 7, RIGHT), SAME)
PATHS = [f"person {n}/1.jpg" for n in range(7)]
FIRST = np.arange(PAIRS) < 115

PUBLIC: dict[str, dict[str, Any]] = {
    "area_under_curve": {"scores": SCORES, "same": SAME},
    "assess": {"scores": SCORES, "same": SAME, "fold": FOLD, "units": UNITS, "fars": [0.3], "first": FIRST,
               "failed": FIRST, "distances": False, "replicates": 9, "seed": 0},
    "at_threshold": {"scores": SCORES, "same": SAME, "threshold": 0.5, "units": UNITS, "first": FIRST,
                     "failed": FIRST, "distances": False, "replicates": 9, "seed": 0},
    "choose_threshold": {"scores": SCORES, "same": SAME, "far": 0.3, "units": UNITS, "first": FIRST,
                         "failed": FIRST, "replicates": 9, "seed": 0},
    "embed": {"backbone": nn.Linear(1, 1), "store": None, "preprocessing": Preprocessing(32, "x"),
              "batch_size": 5, "flip": False},
    "equal_error_rate": {"scores": SCORES, "same": SAME},
    "holm": {"p_values": [0.1, 0.2]},
    "identities_of_pairs": {"paths": PATHS, "pairs": Pairs(LEFT, RIGHT, SAME)},
    "pair_cosines": {"embeddings": ROWS, "pairs": LISTED},
    "pairs_as_units": {"count": 5},
    "percentiles": {"replicates": SCORES, "method": "so", "level": 0.9},
    "replicate": {"scores": SCORES, "same": SAME, "fold": FOLD, "units": UNITS, "fars": [0.3],
                  "failed": FIRST, "count": 9, "seed": 0},
    "roc": {"scores": SCORES, "same": SAME, "distances": False},
    "stratified_folds": {"same": SAME, "folds": 10},
    "tar_at_far": {"scores": SCORES, "same": SAME, "fars": [0.3], "first": FIRST, "failed": FIRST,
                   "distances": False},
    "two_sided": {"replicates": SCORES},
    "units_of": {"identities": PATHS, "pairs": Pairs(LEFT, RIGHT, SAME)},
    "verify": {"scores": SCORES, "same": SAME, "fold": FOLD, "failed": FIRST, "distances": False},
    "wilson": {"successes": 3, "trials": 5, "level": 0.9},
}  # fmt: skip


def with_one(values: np.ndarray, wrong: Any) -> np.ndarray:
    changed = np.array(values, dtype=np.result_type(np.asarray(values), np.asarray(wrong)))
    changed[0] = wrong
    return changed


def bad_column(values: Any, *others: Any) -> list[Any]:
    """What no column of pairs may be, whatever it holds."""
    values = np.asarray(values)
    masked = np.ma.masked_array(values, np.arange(len(values)) == 0)
    return [
        values[:-1],
        values[:, None],
        values[0],
        None,
        "scores",
        values.astype(str),
        values.astype(complex),
        values.astype(object),
        [[1], [1, 2]],
        masked,
        {"a": 1},
        *others,
    ]


def bad_truths(values: Any) -> list[Any]:
    integers = np.asarray(values).astype(np.int64)
    return bad_column(
        values, 2 * integers, np.where(values, 1, -1), with_one(integers.astype(float), math.nan),
        integers.astype(float), torch.tensor(integers) * 3,
    )  # fmt: skip


NUMBER = [None, "0.1", math.nan, math.inf, [0.1], True, 10**400, 1j]
COUNT = [-1, 2.0, "5", None, True, [3]]
BAD_PAIRS = [
    Pairs(np.full(PAIRS, side), RIGHT, SAME) for side in (-1, 7)  # an image that is not there
]  # fmt: skip
BAD: dict[str, Callable[[Any], list[Any]]] = {
    "scores": lambda v: bad_column(v, *(with_one(v, x) for x in (math.nan, math.inf, -math.inf)), SAME),
    "same": bad_truths,
    "first": lambda v: [bad for bad in bad_truths(v) if bad is not None],
    "failed": lambda v: [*(bad for bad in bad_truths(v) if bad is not None), np.ones(len(v), bool)],
    "fold": lambda v: bad_column(v, v.astype(float), v > 3),
    "units": lambda v: [PairUnits(LEFT[:-1], RIGHT[:-1], 7), PairUnits(RIGHT, RIGHT, 7)],
    "fars": lambda v: [0.3, ["x"], [math.nan], [-1.0], [[0.3]], [2.0], "0.1"],
    "far": lambda v: [*NUMBER, 0.0, 2.0],
    "threshold": lambda v: NUMBER,
    "learned": lambda v: NUMBER[1:],
    "replicates": lambda v: bad_numbers(v) if isinstance(v, np.ndarray) else COUNT,
    "count": lambda v: [*COUNT, 0],
    "seed": lambda v: COUNT,
    "folds": lambda v: [*COUNT, 0, PAIRS + 1],
    "batch_size": lambda v: [*COUNT, 0],
    "embeddings": lambda v: [
        v[0], v[None], v.astype(str), v * 0, np.full_like(v, math.nan), None, v.astype(object), v[:0]
    ],
    "labels": lambda v: [v[:-1], v[:, None], v[0], None, "abc", v.astype(float), v.astype(object), v > 3],
    "p_values": lambda v: ["0.1", [math.nan], [2], [-0.1], 0.1, None, [None]],
    "paths": lambda v: ["person", [1] * 7, v[:3], None],
    "identities": lambda v: ["person", [1] * 7, v[:3], None],
    "pairs": lambda v: BAD_PAIRS,
    "own": lambda v: [v[:-1], v[:, None], v.astype(str), None, v > 0, v[:0]],
    "other": lambda v: [v[:-1], v[:, None], v.astype(str), None, v > 0, v[:0]],
    "level": lambda v: [*NUMBER, 0, 1, -0.5],
    "successes": lambda v: [*COUNT, 6],
    "trials": lambda v: [*COUNT, 0],
}  # fmt: skip
FREE = {"backbone", "store", "preprocessing", "flip", "method", "distances"}


def bad_numbers(values: np.ndarray) -> list[Any]:
    return [values[:, None], values.astype(str), None, values > 0, "x", values.astype(complex)]


def call(name: str, **changes: Any) -> Any:
    # what failed must not be all, nor what is listed first be nothing
    arguments = {**PUBLIC[name], **({"failed": ~FIRST} if "failed" in PUBLIC[name] else {}), **changes}
    return getattr(evaluation, name)(**arguments)


def test_no_documented_function_is_forgotten():
    functions = {name for name in evaluation.__all__ if inspect.isfunction(getattr(evaluation, name))}
    assert set(PUBLIC) == functions
    for name, arguments in PUBLIC.items():
        assert set(arguments) == set(inspect.signature(getattr(evaluation, name)).parameters), name
        assert set(arguments) <= BAD.keys() | FREE


CASES = [(name, argument) for name, arguments in PUBLIC.items() for argument in arguments.keys() & BAD.keys()]


@pytest.mark.parametrize(("name", "argument"), sorted(CASES))
def test_what_an_argument_cannot_be_is_refused(name: str, argument: str):
    for bad in BAD[argument](PUBLIC[name][argument]):
        if name == "stratified_folds" and isinstance(bad, np.ndarray) and bad.shape == (PAIRS - 1,):
            continue  # there is no other column that it does not fit
        with pytest.raises(FacezooError):
            print(name, argument, repr(bad)[:200], call(name, **{argument: bad}))


def plain(result: Any) -> Any:
    """A result as something that can be compared."""
    if isinstance(result, Roc):
        return result.genuine.tolist(), result.impostor.tolist()
    if isinstance(result, np.ndarray):
        return result.tolist()
    if hasattr(result, "__dict__"):
        return {key: plain(value) for key, value in vars(result).items()}
    return result


COLUMNS = {"scores", "same", "fold", "first", "failed", "labels", "own", "other", "replicates", "embeddings"}


@pytest.mark.parametrize("name", sorted(set(PUBLIC) - {"embed"}))
def test_lists_tensors_and_ones_and_zeros_give_the_same_figures(name: str):
    arguments = {**PUBLIC[name], **({"failed": ~FIRST} if "failed" in PUBLIC[name] else {})}
    columns = {key for key, value in arguments.items() if key in COLUMNS and isinstance(value, np.ndarray)}
    expected = plain(call(name))
    for change in (np.ndarray.tolist, torch.tensor, lambda v: v.astype("u1") if v.dtype == bool else v[:]):
        found = plain(call(name, **{key: change(arguments[key]) for key in columns}))
        np.testing.assert_equal(found, expected)


def test_arrays_that_are_right_already_are_not_copied():
    from facezoo.evaluation import arguments

    scores, same = arguments.pairs(SCORES, SAME, failed=np.zeros(PAIRS, bool))
    assert scores is SCORES
    assert same is SAME


def test_integers_of_one_byte_do_not_wrap():
    same = torch.tensor(SAME, dtype=torch.uint8)
    grey = torch.tensor((SCORES * 40 + 100).astype(np.uint8))
    assert verify(grey, same, FOLD, distances=False).auc > 0.9
    bfloat = torch.tensor(SCORES).bfloat16()
    assert verify(bfloat, same, FOLD).auc == verify(bfloat.float().numpy(), SAME, FOLD).auc


junk = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=3),
    st.binary(max_size=3),
    st.lists(st.one_of(st.integers(-2, 3), st.floats(), st.text(max_size=1)), max_size=4),
    st.dictionaries(st.text(max_size=1), st.integers(), max_size=2),
    hnp.arrays(
        st.sampled_from(["?", "i1", "u8", "f2", "f4", "f8", "c8", "U2", "S2", "M8[s]", "O"]),
        st.sampled_from([(), (0,), (7,), (PAIRS,), (PAIRS, 1), (7, 4), (0, 4), (7, 0)]),
    ),
    st.sampled_from([UNITS, LISTED, torch.empty(PAIRS, 0), torch.eye(7), torch.zeros(PAIRS), object()]),
)


@short_and_long
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@given(st.sampled_from(sorted(case for case in CASES if case[0] != "embed")), junk)
def test_whatever_is_given_it_is_figures_or_a_facezoo_error(length, case: tuple[str, str], bad: Any):
    name, argument = case
    if argument == "count" or (argument == "replicates" and isinstance(bad, int)):
        bad = bad if not isinstance(bad, int) else min(bad, 50)  # as many as are asked for are made
    with suppress(FacezooError):
        call(name, **{argument: bad})


@pytest.mark.parametrize("far", [-0.1, 1.1, math.nan, [0.1, math.nan], "x", [None]])
def test_the_curve_has_heights_at_rates_alone(far):
    with pytest.raises(FacezooError, match="far"):
        roc(SCORES, SAME).at(far)


def test_both_lengths_are_said():
    with pytest.raises(FacezooError, match="119 scores, but 120 pairs in `same`"):
        verify(SCORES[:-1], SAME, FOLD)
    with pytest.raises(FacezooError, match="fold: 119 entries for 120 pairs"):
        verify(SCORES, SAME, FOLD[1:])
    with pytest.raises(FacezooError, match="same: 80 of 120 are neither 1 nor 0, such as -1"):
        verify(SCORES, np.where(SAME, 1, -1), FOLD)


@pytest.mark.parametrize(
    ("left", "right", "count"),
    [([0], [1], 1), ([-1], [0], 2), ([0, 1], [0], 2), ([0.5], [0], 2), ([], [], 0)],
)
def test_units_are_numbers_below_their_count(left, right, count):
    with pytest.raises(FacezooError):
        PairUnits(left, right, count)


def test_units_that_belong_to_other_pairs_are_refused():
    shuffled = np.random.default_rng(0).permutation(PAIRS)
    with pytest.raises(FacezooError, match=r"units: \d+ of 120 pairs contradict them"):
        evaluation.replicate(SCORES, SAME, FOLD, PairUnits(LEFT[shuffled], RIGHT[shuffled], 7))
