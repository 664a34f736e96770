"""Images that failed to enrol are refused by every door, unless it is said what they count as."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from facezoo import FacezooError
from facezoo.data import Pairs
from facezoo.data.pairs import NamedPair
from facezoo.evaluation import (
    area_under_curve,
    assess,
    at_threshold,
    choose_threshold,
    pair_cosines,
    pairs_as_units,
    replicate,
    tar_at_far,
    verify,
)
from facezoo.evaluation.files import EmbeddingSet
from support.scored import score_embeddings
from support.searches import short_and_long

FAILED_ROWS = [[0.0, 0.0], [np.nan, 1.0], [np.inf, 0.0]]


def embedded(people: int = 6, images: int = 3) -> tuple[EmbeddingSet, list[NamedPair]]:
    """Embeddings of a few people, and all pairs of them."""
    random = np.random.default_rng(0)
    names = [f"p{p}/{n}.png" for p in range(people) for n in range(images)]
    rows = np.repeat(random.normal(size=(people, 2)), images, 0) + random.normal(0, 0.2, (len(names), 2))
    pairs = [NamedPair(a, b, a[:2] == b[:2]) for n, a in enumerate(names) for b in names[n + 1 :]]
    return EmbeddingSet("e.npz", tuple(names), rows), pairs


@pytest.mark.parametrize("row", FAILED_ROWS)
def test_pairs_of_an_image_that_failed_are_refused_rejected_or_dropped(row):
    embeddings, listed = embedded()
    whole = score_embeddings(embeddings, listed)
    embeddings.rows[4] = row  # p1/1
    with pytest.raises(
        FacezooError, match=r"p: 1 of 18 embeddings .* such as 'p1/1\.png': .*failed to enrol"
    ):
        score_embeddings(embeddings, listed)
    rejected = score_embeddings(embeddings, listed, failed="reject")
    dropped = score_embeddings(embeddings, listed, failed="drop")
    holds = np.array(["p1/1.png" in (pair.a, pair.b) for pair in listed])
    assert rejected.failures.as_dict() == {"images": ["p1/1.png"], "pairs": 17, "taken_as": "reject"}
    assert dropped.failures.as_dict() == {"images": ["p1/1.png"], "pairs": 17, "taken_as": "drop"}
    np.testing.assert_array_equal(rejected.rejected, holds)
    np.testing.assert_array_equal(rejected.scores[~holds], whole.scores[~holds])
    np.testing.assert_array_equal(dropped.scores, whole.scores[~holds])
    assert (len(rejected.same), len(dropped.same), dropped.rejected) == (153, 136, None)
    with pytest.raises(FacezooError, match="Say reject or drop"):
        score_embeddings(embeddings, listed, failed="ignore")


def test_an_embedding_that_no_pair_uses_may_be_anything():
    embeddings, listed = embedded()
    embeddings.rows[4] = 0
    used = [pair for pair in listed if "p1" not in pair.a + pair.b]
    assert score_embeddings(embeddings, used).failures is None
    assert score_embeddings(embeddings, used, failed="reject").failures is None


def test_nothing_is_left_where_all_failed():
    embeddings, listed = embedded()
    embeddings.rows[:] = 0
    for failed in ("reject", "drop"):
        with pytest.raises(FacezooError, match="p: each of 18 images failed to enrol"):
            score_embeddings(embeddings, listed, failed=failed)
    embeddings, listed = embedded(people=2, images=1)
    embeddings.rows[1] = 0
    with pytest.raises(FacezooError, match="p: each pair has an image that failed"):
        score_embeddings(embeddings, listed, failed="drop")


@pytest.mark.parametrize("row", FAILED_ROWS)
def test_cosines_need_directions(row):
    rows = np.array([[1.0, 0.0], row])
    with pytest.raises(FacezooError, match=r"1 of 2 embeddings .* such as row 1"):
        pair_cosines(rows, Pairs(np.array([0]), np.array([1]), np.array([True])))


pairs_with_failures = st.lists(
    st.tuples(st.integers(-4, 4), st.booleans(), st.booleans(), st.integers(0, 2)), min_size=12, max_size=40
)


def columns(pairs) -> tuple[np.ndarray, ...]:
    scores, same, failed, fold = (np.array(column) for column in zip(*pairs, strict=True))
    enrolled = same[~failed]
    assume(enrolled.any() and not enrolled.all())
    assume(all((~failed & (fold != number)).any() for number in np.unique(fold)) and len(np.unique(fold)) > 1)
    return scores / 8, same, failed, fold


@short_and_long
@given(pairs_with_failures)
def test_rejected_pairs_are_false_non_matches_and_no_false_matches(length, pairs):
    scores, same, failed, fold = columns(pairs)
    assume(area_under_curve(scores[~failed], same[~failed]) >= 0.2)
    found = verify(scores, same, fold, failed=failed)
    # thresholds are those of the enrolled pairs; a rejected one is wrong exactly where it is genuine
    for number, share, threshold in zip(np.unique(fold), found.fold_accuracy, found.thresholds, strict=True):
        inside = fold == number
        right = ((scores >= threshold) & ~failed)[inside] == same[inside]
        assert share == right.mean()
    changed = np.where(failed, np.nan, scores)  # their scores are not looked at
    assert verify(changed, same, fold, failed=failed) == found
    fixed = at_threshold(scores, same, 0.1, None, failed=failed)
    assert fixed.tar == ((scores >= 0.1) & ~failed)[same].mean()
    assert fixed.far == ((scores >= 0.1) & ~failed)[~same].mean()


@short_and_long
@given(pairs_with_failures, st.sampled_from([0.4, 0.7, 1.0]))
def test_no_rate_accepts_a_rejected_pair(length, pairs, far):
    scores, same, failed, _ = columns(pairs * 3)
    try:
        (point,) = tar_at_far(scores, same, [far], failed=failed)
    except FacezooError:
        return
    accepted = (scores >= point.threshold) & ~failed
    assert point.accepted_genuine == accepted[same].sum()
    assert point.accepted_impostors == accepted[~same].sum()
    assert Fraction(point.accepted_impostors, int((~same).sum())) <= Fraction(str(far))
    assert np.isfinite(point.threshold)


def test_replicates_of_rejected_pairs_equal_those_of_the_repeated_list():
    random = np.random.default_rng(3)
    same = np.arange(120) % 2 == 0
    scores, failed = np.round(random.normal(same * 0.7, 0.4), 2), random.random(120) < 0.2
    fold, units = np.arange(120) // 40, pairs_as_units(120)
    found = replicate(scores, same, fold, units, fars=[0.5], failed=failed, count=40, seed=2)
    drawn = np.random.default_rng(2).integers(0, 120, (120, 40)).T
    for number, chosen in enumerate(np.sort(drawn, axis=1)):
        one = {"failed": failed[chosen]}
        s, t, f = scores[chosen], same[chosen], fold[chosen]
        slow = verify(s, t, f, **one)
        sizes = np.unique(f, return_counts=True)[1]
        assert found.accuracy[number] == pytest.approx(np.average(slow.fold_accuracy, weights=sizes))
        assert (found.auc[number], found.eer[number]) == pytest.approx((slow.auc, slow.eer))
        (point,) = tar_at_far(s, t, [0.5], **one)
        assert found.tar[0, number] == point.tar
        accepted = (s >= found.threshold[0, number]) & ~failed[chosen]
        assert accepted[t].mean() == point.tar


def test_a_threshold_is_chosen_among_what_enrolled():
    random = np.random.default_rng(5)
    same = np.arange(400) < 150
    scores, failed = random.normal(same * 2.0, 1), random.random(400) < 0.1
    for units in (None, pairs_as_units(400)):
        chosen = choose_threshold(scores, same, 0.1, units, failed=failed, replicates=50)
        assert chosen.point.accepted_impostors == 25
        assert chosen.interval.low <= chosen.point.threshold <= chosen.interval.high
        assert np.isfinite([chosen.interval.low, chosen.interval.high]).all()
    found = assess(scores, same, np.arange(400) % 5, None, failed=failed)
    assert found.operating == (chosen.point,)


def test_folds_without_an_enrolled_pair_outside_are_refused():
    same = np.array([True, False] * 10)
    with pytest.raises(FacezooError, match="all pairs outside fold 0 hold an image that failed"):
        verify(same.astype(float), same, np.arange(20) // 10, failed=np.arange(20) >= 10)
