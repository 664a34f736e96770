"""All against all: against the list of all pairs, written out."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from facezoo import FacezooError
from facezoo.benchmarks import Given, Options, evaluate_embeddings, open_benchmark
from facezoo.evaluation import assess, replicate, tar_at_far
from facezoo.evaluation.files import EmbeddingSet, read_embeddings
from facezoo.evaluation.identities import PairUnits
from facezoo_allpairs import crossing
from facezoo_allpairs.benchmark import AllPairsResult
from support.faces import real_data

FARS = (0.5, 0.1, 0.02)


def people(seed: int, *, count: int = 12, tied: bool = False) -> EmbeddingSet:
    """Embeddings of people with one to six images each; `tied`: on a grid, so that many scores are equal."""
    random = np.random.default_rng(seed)
    who = np.repeat(np.arange(count), random.integers(1, 7, count))
    rows = random.normal(size=(count, 5))[who] + random.normal(size=(len(who), 5))
    if tied:
        own = np.sign(random.normal(size=(count, 4)))[who]  # of length 2: all arithmetic is exact
        rows = np.where(random.random(own.shape) < 0.2, -own, own)
    order = random.permutation(len(who))
    return EmbeddingSet("e.npz", tuple(f"x/p{who[row]}/{row}.png" for row in order), rows[order])


def found(embeddings: EmbeddingSet, **options) -> AllPairsResult:
    given = Given(embeddings=embeddings, options=Options(**{"replicates": 20, "fars": FARS, **options}))
    (result,) = evaluate_embeddings(embeddings, [open_benchmark("all-pairs", given)])
    assert isinstance(result, AllPairsResult)
    return result


def listed(embeddings: EmbeddingSet) -> tuple[np.ndarray, np.ndarray, PairUnits]:
    """Scores, truths and units of all pairs, pair by pair."""
    unit = [row / np.linalg.norm(row) if row.any() else row for row in embeddings.rows.astype(np.float64)]
    names = sorted({path.split("/")[1] for path in embeddings.paths})
    who = np.array([names.index(path.split("/")[1]) for path in embeddings.paths])
    left, right = np.array(list(combinations(range(len(unit)), 2))).T
    scores = np.array([unit[a] @ unit[b] for a, b in zip(left, right, strict=True)])
    same = who[left] == who[right]
    return np.round(scores, 12), same, PairUnits(who[left], who[right], len(names))


def check(result: AllPairsResult, scores, same, units, failed=None) -> None:
    fold = np.arange(len(same)) % 2
    expected = assess(scores, same, fold, None, fars=FARS, failed=failed)
    assert result.figures["auc"] == pytest.approx(expected.verification.auc, abs=1e-12)
    assert result.figures["eer"] == pytest.approx(expected.verification.eer, abs=1e-12)
    for point, there in zip(result.points, expected.operating, strict=True):
        assert point.as_dict() == pytest.approx(there.as_dict())
        assert result.figures[f"tar@far {point.far:g}"] == pytest.approx(there.tar)
    drawn = replicate(scores, same, fold, units, fars=FARS, failed=failed, count=20)
    (times,) = crossed_draws(units, 20)
    own = result.replicates([times])
    np.testing.assert_allclose(own["auc"], drawn.auc, atol=1e-12)
    np.testing.assert_allclose(own["eer"], drawn.eer, atol=1e-12)
    for far, row in zip(FARS, drawn.tar, strict=True):
        np.testing.assert_allclose(own[f"tar@far {far:g}"], row, atol=1e-12)


def crossed_draws(units: PairUnits, count: int):
    from facezoo.evaluation.bootstrap import drawn

    return drawn(units.count, count, 0, count)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("elements", [1, 60, 10**6])
def test_all_pairs_have_the_figures_of_their_list(monkeypatch, seed, elements):
    monkeypatch.setattr(crossing, "ELEMENTS", elements)  # an identity at a time, some, all
    embeddings = people(seed)
    check(found(embeddings), *listed(embeddings))


def test_ties_are_ties(monkeypatch):
    monkeypatch.setattr(crossing, "ELEMENTS", 60)
    embeddings = people(5, tied=True)
    scores, same, _ = listed(embeddings)
    assert len(np.unique(scores)) == 5
    result = found(embeddings, fars=(0.9, 0.5))
    expected = tar_at_far(scores, same, [0.9, 0.5])
    assert [point.accepted_impostors for point in result.points] == [
        point.accepted_impostors for point in expected
    ]
    verification = assess(scores, same, np.arange(len(same)) % 2, None).verification
    assert result.figures["auc"] == pytest.approx(verification.auc, abs=1e-12)
    assert result.figures["eer"] == pytest.approx(verification.eer, abs=1e-12)


@pytest.mark.parametrize("failed", ["reject", "drop"])
def test_images_that_failed_to_enrol_are_rejected_or_left_out(failed):
    embeddings = people(1)
    embeddings.rows[[2, 9, 10]] = 0
    with pytest.raises(FacezooError, match=r"3 of .* are zero or not finite"):
        found(embeddings)
    result = found(embeddings, failed=failed)
    scores, same, units = listed(embeddings)
    zero = ~embeddings.rows.any(1)
    left, right = np.array(list(combinations(range(len(zero)), 2))).T
    out = zero[left] | zero[right]
    if failed == "reject":
        check(result, scores, same, units, failed=out)
    else:
        kept = PairUnits(units.left[~out], units.right[~out], units.count)
        assert len(np.unique(np.append(kept.left, kept.right))) == units.count
        check(result, scores[~out], same[~out], kept)
    assert any(line.startswith("failed to enrol: 3 images") for line in result.table.lines())


def test_beyond_what_is_held_figures_stay_exact_and_draws_close(monkeypatch):
    embeddings = people(3, count=60)
    _, _, units = listed(embeddings)
    held = found(embeddings)
    (times,) = crossed_draws(units, 200)
    exact = held.replicates([times])
    real = crossing.cross
    monkeypatch.setattr("facezoo_allpairs.benchmark.cross", lambda rows, codes: real(rows, codes, 500))
    some = found(embeddings)
    assert len(some.weighed.crossed.held) == 500 < some.weighed.impostors / 20
    assert some.figures == pytest.approx(held.figures, abs=1e-12)
    assert [point.as_dict() for point in some.points] == [point.as_dict() for point in held.points]
    near = some.replicates([times])
    np.testing.assert_allclose(near["tar@far 0.02"], exact["tar@far 0.02"], atol=0.02)
    for name, spread in ((name, exact[name].std()) for name in exact):
        assert abs(near[name] - exact[name]).mean() < 0.2 * spread, name
        assert near[name].std() == pytest.approx(spread, rel=0.1), name


def test_the_worst_are_the_likest_of_two_people():
    embeddings = people(2)
    scores, same, _ = listed(embeddings)
    worst = found(embeddings).worst(3)
    assert [pair.score for pair in worst] == pytest.approx(np.sort(scores[~same])[::-1][:3])
    assert all(pair.a.split("/")[1] != pair.b.split("/")[1] and not pair.same for pair in worst)


def test_what_has_no_pairs_of_both_kinds_is_refused():
    alone = EmbeddingSet("e.npz", ("a/1.png", "b/1.png"), np.eye(2))
    with pytest.raises(FacezooError, match="none or one with several images"):
        found(alone)
    flat = EmbeddingSet("e.npz", ("1.png", "2.png"), np.eye(2))
    with pytest.raises(FacezooError, match="do not lie in folders"):
        found(flat)
    with pytest.raises(FacezooError, match=r"FAR 0\.001 of"):
        _ = found(people(0), fars=(0.001,)).points


@pytest.mark.slow
def test_the_real_figures():
    embeddings = read_embeddings(real_data("embeddings") / "lfw.npz")
    result = found(embeddings, fars=(1e-3, 1e-4, 1e-5, 1e-6), replicates=0)
    assert (result.weighed.genuine, result.weighed.impostors) == (242_257, 87_307_271)
    assert [round(100 * point.tar, 2) for point in result.points] == [96.40, 89.01, 74.92, 51.62]
