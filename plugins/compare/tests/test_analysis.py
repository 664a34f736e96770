"""Comparisons: the statistics against loops, and the figure."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facezoo import FacezooError
from facezoo.benchmarks import Figures, PairsResult, Units
from facezoo.evaluation import PairUnits, replicate, verify
from facezoo.evaluation.scoring import ScoredPairs
from facezoo_compare.analysis import compare
from facezoo_compare.command import table
from facezoo_compare.figure import check, draw
from facezoo_compare.grid import Cell
from facezoo_compare.running import Outcome

METRICS = ("accuracy", "auc", "eer")


def made_outcomes(shifts: dict[str, list[float]], people: int = 60) -> list[Outcome]:
    """Outcomes with made-up scores: noise common to all heads, and a shift of the genuine pairs per run."""
    random = np.random.default_rng(0)
    left = np.repeat(np.arange(people), 10)
    right = np.where(np.arange(len(left)) % 2 == 0, left, (left + 1 + np.arange(len(left)) % 7) % people)
    same = left == right
    fold = np.arange(len(left)) // (len(left) // 5)
    noise = random.normal(0, 0.5, len(left))
    outcomes = []
    for label, values in shifts.items():
        for seed, shift in enumerate(values):
            own = random.normal(0, 0.1, len(left))
            cell = Cell(label, (), seed, settings=None)
            if math.isnan(shift):
                outcomes.append(Outcome(cell, Path(cell.folder), failure="the loss is nan at step 3"))
                continue
            scored = ScoredPairs(
                "made", same * shift + noise + own, same, fold, PairUnits(left, right, people)
            )
            outcomes.append(
                Outcome(
                    cell, Path(cell.folder), PairsResult(scored), {"untrained": dict.fromkeys(METRICS, 0.5)}
                )
            )
    return outcomes


def test_means_spreads_and_differences_equal_the_loops():
    outcomes = made_outcomes({"cosface": [1.0, 1.02, 0.98], "arcface": [0.3, 0.33, 0.29]})
    found = compare(outcomes, "cosface", replicates=400)
    base, other = found.rows
    accuracies = {}
    for outcome in outcomes:
        scored = outcome.result.scored
        accuracy = verify(scored.scores, scored.same, scored.fold).accuracy
        accuracies.setdefault(outcome.cell.label, []).append(accuracy)
    for row in found.rows:
        values = accuracies[row.label]
        mean = sum(values) / 3
        assert list(row.figures.values()) == values
        assert row.mean == pytest.approx(mean)
        assert row.sd == pytest.approx(math.sqrt(sum((v - mean) ** 2 for v in values) / 2))
        assert row.untrained == 0.5
        assert row.interval.low < row.mean < row.interval.high
    assert base.difference is None
    assert other.difference.value == pytest.approx(other.mean - base.mean)
    assert other.difference.shown
    assert other.difference.interval.high < 0
    assert other.difference.p == other.difference.adjusted  # one comparison
    # drawing people alone, without the seeds' t, gives a narrower interval
    scored = [outcome.result.scored for outcome in outcomes]
    drawn = [replicate(s.scores, s.same, s.fold, s.units, count=400).accuracy for s in scored]
    paired = np.mean(drawn[3:], 0) - np.mean(drawn[:3], 0)
    low, high = np.quantile(paired, [0.025, 0.975])
    assert other.difference.interval.high - other.difference.interval.low > high - low


def test_equal_heads_show_no_difference():
    same = {"cosface": [1.0, 1.0, 1.0], "arcface": [1.0, 1.0, 1.0], "sphereface": [0.2, 0.2, 0.2]}
    _, equal, worse = compare(made_outcomes(same), "cosface", replicates=300).rows
    assert not equal.difference.shown
    assert worse.difference.shown
    assert worse.difference.adjusted == pytest.approx(2 * worse.difference.p)


def test_few_seeds_that_disagree_show_nothing():
    agreeing = {"cosface": [1.0] * 5, "arcface": [0.8, 0.8, 0.8, 0.8, 0.8]}
    scattered = {"cosface": [1.0] * 5, "arcface": [1.6, 0.1]}
    assert compare(made_outcomes(agreeing), "cosface", replicates=300).rows[1].difference.shown
    found = compare(made_outcomes(scattered), "cosface", replicates=300).rows[1].difference
    assert not found.shown
    assert found.seeds == 2  # those that both have


def test_failed_seeds_are_left_out_and_named():
    shifts = {"cosface": [1.0, math.nan], "arcface": [0.9, 0.9], "sphereface": [math.nan, math.nan]}
    base, other, failed = compare(made_outcomes(shifts), "cosface", replicates=200).rows
    assert base.failures == {1: "the loss is nan at step 3"}
    assert (base.sd, other.difference.seeds) == (None, 1)
    assert (failed.mean, failed.interval, failed.difference) == (None, None, None)
    with pytest.raises(FacezooError, match="all 1 runs failed, the first with: the loss is nan"):
        compare(made_outcomes({"cosface": [math.nan]}), "cosface")
    nothing = compare(made_outcomes({"cosface": [math.nan], "arcface": [1.0]}), "cosface")
    assert nothing.rows[1].difference is None  # no seed in common with the baseline


@pytest.mark.parametrize("metric", METRICS)
def test_every_metric_is_a_rate_with_an_interval(metric):
    found = compare(made_outcomes({"cosface": [1.0, 1.1]}), "cosface", metric=metric, replicates=200)
    (row,) = found.rows
    assert 0 <= row.interval.low <= row.mean <= row.interval.high <= 1
    json.dumps(found.as_dict(), allow_nan=False)


def of_angles(label: str, seed: int, shift: float, name: str = "angles") -> Outcome:
    """An outcome on a benchmark that is no list of pairs: a mean angle over 50 identities, in degrees."""
    angles = np.random.default_rng(3).normal(60 + shift, 4, 50) + np.random.default_rng(seed).normal(
        0, 0.2, 50
    )

    def of(times: np.ndarray) -> dict[str, np.ndarray]:
        return {"mean angle": angles @ times / times.sum(0)}

    result = Figures(name, of, Units(50), "mean angle", better="lower", unit="degrees")
    return Outcome(
        Cell(label, (), seed, settings=None), Path(label), result, {"untrained": {"mean angle": 90}}
    )


def test_runs_are_compared_in_pairs_on_any_benchmark():
    shifts = {"a": [0.0, 0.1, 0.05], "b": [-0.7, -0.6, -0.7]}
    outcomes = [of_angles(label, n, shift) for label in shifts for n, shift in enumerate(shifts[label])]
    found = compare(outcomes, "a", replicates=300)
    assert (found.metric, found.unit, found.pairs) == ("mean angle", "degrees", "angles")
    first, second = found.rows
    assert first.untrained == 90.0
    assert first.interval.high - first.interval.low > 1  # among people angles differ much
    assert second.difference.shown  # but less from run to run for the same people
    assert second.difference.value == pytest.approx(second.mean - first.mean)
    text = list(table(found))
    assert text[0] == "mean angle on angles, degrees; differences to a"
    assert f"{second.difference.value:+.1f}  " in text[3]
    with pytest.raises(FacezooError, match="was verified on other pairs"):
        compare([*outcomes, of_angles("c", 0, 0.0, name="others")], "a")


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        ("acuracy", "made: has no figure 'acuracy'; did you mean 'accuracy'?"),
        ("fold_sd", "no figure 'fold_sd'"),
    ],
)
def test_a_figure_that_the_benchmark_does_not_draw_anew_is_refused(metric: str, message: str):
    with pytest.raises(FacezooError, match=re.escape(message)) as error:
        compare(made_outcomes({"cosface": [1.0]}), "cosface", metric=metric, replicates=100)
    assert error.value.hint == "Compare by one of accuracy, auc, eer (--metric)."


def test_runs_on_other_pairs_are_not_compared():
    first, second = made_outcomes({"cosface": [1.0], "arcface": [1.0]})
    other = replace(
        second, result=PairsResult(replace(second.result.scored, same=~second.result.scored.same))
    )
    with pytest.raises(FacezooError, match="was verified on other pairs"):
        compare([first, other], "cosface")


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 5), st.floats(0, 0.3))
def test_the_error_of_a_mean_over_seeds_is_a_t(seeds: int, spread: float):
    from facezoo_compare.analysis import _with_seeds

    figures = np.linspace(0.5 - spread, 0.5 + spread, seeds)
    drawn = _with_seeds(figures, [np.full(40_000, 0.5)] * seeds, 0)
    half = (np.quantile(drawn, 0.975) - np.quantile(drawn, 0.025)) / 2
    quantile = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776}[seeds]  # tables of Student's t
    assert half == pytest.approx(quantile * np.std(figures, ddof=1) / math.sqrt(seeds), rel=0.08, abs=1e-12)


def test_the_figure_is_a_png(tmp_path: Path):
    pytest.importorskip("matplotlib", reason="the extra `figures` is not installed")
    shifts = {"cosface": [1.0, 0.9], "arcface": [0.8], "sphereface": [math.nan]}
    draw(compare(made_outcomes(shifts), "cosface", replicates=200), tmp_path / "f.png")
    assert (tmp_path / "f.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    with pytest.raises(FacezooError, match="cannot be written"):
        draw(compare(made_outcomes(shifts), "cosface", replicates=200), tmp_path / "no" / "f.png")


@pytest.mark.parametrize(
    ("name", "message"), [("f.pgn", "not the name of a picture"), ("no/f.png", "no folder")]
)
def test_a_figure_that_could_not_be_kept_is_refused_beforehand(tmp_path: Path, name: str, message: str):
    pytest.importorskip("matplotlib", reason="the extra `figures` is not installed")
    check(tmp_path / "f.png")
    with pytest.raises(FacezooError, match=message):
        check(tmp_path / name)


def test_without_matplotlib_the_figure_names_the_extra(tmp_path: Path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.figure", None)
    with pytest.raises(FacezooError, match="needs matplotlib") as raised:
        draw(compare(made_outcomes({"cosface": [1.0]}), "cosface", replicates=200), tmp_path / "f.png")
    assert "facezoo[figures]" in raised.value.hint
