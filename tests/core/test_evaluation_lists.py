"""What a list holds twice supports a figure once; labels that contradict folders are named."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from facezoo import FacezooError
from facezoo.data import Pairs
from facezoo.data.pairs import NamedPair
from facezoo.evaluation import area_under_curve, assess, at_threshold, choose_threshold, tar_at_far, wilson
from facezoo.evaluation.files import EmbeddingSet
from facezoo.evaluation.identities import identify
from facezoo.evaluation.scoring import score_rows
from support.scored import score_embeddings
from support.searches import short_and_long

people_of = st.lists(
    st.tuples(st.integers(-6, 6), st.booleans(), st.integers(1, 4)), min_size=15, max_size=40
)


def assessed(scores, same, first, **more):
    return assess(scores, same, np.arange(len(same)) % 5, None, first=first, **more)


@short_and_long
@given(people_of, st.sampled_from([0.3, 0.5, 0.9]))
def test_a_list_with_repeats_has_its_own_figures_and_the_support_of_its_distinct_pairs(length, pairs, far):
    scores, same, times = (np.array(column) for column in zip(*pairs, strict=True))
    assume(0 < same.sum() < len(same) and area_under_curve(scores, same) > 0.3)
    line = np.repeat(np.arange(len(pairs)), times)
    first = np.append(True, np.diff(line) > 0)
    s, t = scores[line] / 8, same[line]
    assume(area_under_curve(s, t) >= 0.2)
    try:
        (point,) = tar_at_far(s, t, [far], first=first)
    except FacezooError:
        return
    accepted = s >= point.threshold
    assert (point.accepted_impostors, point.tar) == (accepted[~t].sum(), accepted[t].mean())
    assert point.support == (accepted & ~t & first).sum() >= 10
    # an unrepeated list has as many distinct pairs as lines
    assert tar_at_far(s, t, [far], first=np.ones(len(s), bool)) == tar_at_far(s, t, [far])


def test_ten_lines_of_two_pairs_support_nothing():
    same, scores = np.repeat([True, True, False, False], 10), np.repeat([0.8, 0.7, 0.1, 0.2], 10)
    first = np.arange(40) % 10 == 0
    assert tar_at_far(scores, same, [0.5])[0].tar == 1
    with pytest.raises(FacezooError, match=r"FAR 0\.5 of 2 distinct impostor pairs is 1 of them") as raised:
        tar_at_far(scores, same, [0.5], first=first)
    assert "this list supports none" in raised.value.hint
    found = assessed(scores, same, first)
    assert (found.lowest, found.operating, found.unsupported) == (None, (), ())
    assert found.as_dict()["distinct"] == {"genuine": 2, "impostor": 2}
    with pytest.raises(FacezooError, match="distinct"):
        choose_threshold(scores, same, 0.5, None, first=first)


def test_one_pair_in_many_lines_is_no_support():
    """119 distinct impostor pairs, the hardest in 30 lines: FAR 0.25 accepts 37 lines, of 8 pairs."""
    impostors = np.concatenate([np.full(30, 0.99), np.linspace(0.9, 0.98, 8), np.linspace(0, 0.5, 110)])
    scores, same = np.append(impostors, [2.0, 2.0]), np.arange(150) >= 148
    first = (np.arange(150) == 0) | (np.arange(150) >= 30)
    assert tar_at_far(scores, same, [0.25])[0].accepted_impostors == 37
    with pytest.raises(FacezooError, match=r"FAR 0\.25: only 8 distinct impostor pairs lie above"):
        tar_at_far(scores, same, [0.25], first=first)
    found = assessed(scores, same, first, replicates=0)
    assert (found.operating, found.unsupported, found.lowest) == ((), (0.1,), 10 / 119)


def test_intervals_over_pairs_count_distinct_ones():
    random = np.random.default_rng(0)
    once_same = np.arange(300) < 150
    once = random.normal(once_same * 1.5, 0.8)
    scores, same, first = np.tile(once, 4), np.tile(once_same, 4), np.arange(1200) < 300
    fixed = at_threshold(scores, same, 0.7, None, first=first)
    assert fixed == at_threshold(once, once_same, 0.7, None)
    chosen = choose_threshold(scores, same, 0.1, None, first=first)
    assert chosen.tar == wilson(round(chosen.point.tar * 150), 150)
    narrow = choose_threshold(scores, same, 0.1, None)
    assert narrow.interval.high - narrow.interval.low < chosen.interval.high - chosen.interval.low
    found = assessed(scores, same, first)
    expected = assess(once, once_same, np.arange(300) % 5, None)
    assert found.lowest == expected.lowest == 10 / 150
    accuracy = found.accuracy.high - found.accuracy.low
    assert accuracy == pytest.approx(expected.accuracy.high - expected.accuracy.low, rel=0.1)


def test_ties_take_a_usual_rate_away_and_say_so():
    same = np.arange(300) < 100
    found = assess(np.where(same, 1.0, 0.5), same, np.arange(300) % 5, None)
    assert (found.operating[0].tar, found.unsupported) == (1.0, ()) if found.operating else True
    constant = assess(np.zeros(300), same, np.arange(300) % 5, None)
    assert (constant.operating, constant.unsupported) == ((), (0.1,))
    with pytest.raises(FacezooError, match="tie at the threshold"):
        assess(np.zeros(300), same, np.arange(300) % 5, None, fars=[0.1])


def test_ten_impostor_pairs_support_a_rate_and_one_kind_of_pair_none():
    scores, fold = np.linspace(0, 1, 40), np.arange(40) % 4
    assert assess(scores, np.arange(40) >= 10, fold, None).lowest == 1.0
    assert assess(scores, np.arange(40) >= 9, fold, None).lowest is None
    for kind in (True, False):
        found = assess(scores, np.full(40, kind), fold, None)
        assert (found.operating, found.lowest, found.unsupported) == ((), None, ())


def folder_pairs(wrong: int = 0, kind: bool = True) -> tuple[list[str], Pairs]:
    """All pairs of eight people with four images each, the first `wrong` of a kind labelled the other way."""
    paths = [f"p{p}/{n}.png" for p in range(8) for n in range(4)]
    left, right = np.triu_indices(32, 1)
    same = left // 4 == right // 4
    flipped = np.flatnonzero(same == kind)[:wrong]
    same[flipped] = not kind
    return paths, Pairs(left, right, same)


@pytest.mark.parametrize(("wrong", "kind", "known"), [(0, True, True), (3, True, True), (5, False, True),
                                                      (6, False, False)])  # fmt: skip
def test_labels_that_contradict_the_folders_leave_the_rest_their_identities(wrong, kind, known):
    paths, pairs = folder_pairs(wrong, kind)
    found = identify(paths, pairs)
    assert (found.units is not None, len(found.against)) == (known, wrong)
    expected, _ = folder_pairs()
    if known:
        whole = identify(expected, folder_pairs()[1]).units
        np.testing.assert_array_equal(found.units.left, whole.left)
        assert found.units.count == 8


def test_a_contradictory_pair_keeps_its_label_and_its_folders():
    paths, pairs = folder_pairs(3)
    rows = np.repeat(np.random.default_rng(0).normal(size=(8, 6)), 4, 0)
    rows += np.random.default_rng(1).normal(0, 0.3, rows.shape)
    scored = score_rows("p", rows, pairs, paths, 5)
    assert scored.contradictions == 3
    assert scored.contradicting[0] == NamedPair("p0/0.png", "p0/1.png", False)
    found = assess(scored.scores, scored.same, scored.fold, scored.units, replicates=50)
    assert found.method == "bootstrap over 8 identities, 50 replicates"
    assert found.verification.genuine == 45


def test_folders_that_are_not_people_are_said_to_contradict():
    paths, pairs = (
        [f"{n}.png" for n in range(4)],
        Pairs(np.array([0, 2]), np.array([1, 3]), np.array([True, False])),
    )
    scored = score_rows("p", np.random.default_rng(0).normal(size=(4, 3)), pairs, paths, 2)
    assert (scored.units, scored.contradictions) == (None, 1)
    assert scored.drawn.words == "bootstrap over 2 pairs, whose identities are unknown"


def test_a_repeated_pair_is_drawn_as_one_where_identities_are_unknown():
    pairs = Pairs(np.array([0, 1, 2, 0]), np.array([1, 0, 3, 2]), np.array([True, True, False, False]))
    scored = score_rows("p", np.random.default_rng(0).normal(size=(4, 3)), pairs, list("abcd"), 2)
    assert scored.listing.again == 1
    assert scored.drawn.count == 3
    assert scored.drawn.left[0] == scored.drawn.left[1]


def test_names_of_one_image_are_one_image():
    """A list and a file of embeddings may name an image in several ways."""
    embeddings = EmbeddingSet("e", ("s/a/1.jpg", "s/b/1.jpg"), np.eye(2))
    listed = [NamedPair("a/1", "s/a/1.jpg", True), NamedPair("a/1", "b/1", False)]
    with pytest.raises(FacezooError, match="p: 1 of 2 pairs are an image against itself"):
        score_embeddings(embeddings, listed)


@pytest.mark.parametrize("count", [40, 60_000])
def test_distances_are_refused_however_long_the_list(count):
    random = np.random.default_rng(0)
    same = np.arange(count) % 2 == 0
    scores = random.normal(same * 1.0, 0.5)
    for figure in (
        lambda s, **turned: assess(s, same, np.arange(count) % 5, None, fars=[0.5], **turned),
        lambda s, **turned: tar_at_far(s, same, [0.5], **turned),
        lambda s, **turned: at_threshold(s, same, 0.5 if not turned else -0.5, None, **turned).tar,
    ):
        with pytest.raises(FacezooError, match=r"the AUC is 0\.0\d+: genuine pairs score lower"):
            figure(-scores)
        assert figure(-scores, distances=True) == figure(scores)
    with pytest.raises(FacezooError, match="the AUC is"):
        choose_threshold(-scores, same, 0.5, None)
    # a poor recogniser is none that is turned round
    poor = random.normal(-0.9 * same, 1)
    assert 0.2 < area_under_curve(poor, same) < 0.4
    assert tar_at_far(poor, same, [0.5])[0].tar < 0.5
