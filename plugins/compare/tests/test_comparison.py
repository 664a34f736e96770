"""Comparisons: the grid, what is trained, resumed and contained, and the statistics against loops."""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facezoo import FacezooError
from facezoo.data import Pairs
from facezoo.evaluation import PairUnits, replicate, verify
from facezoo.evaluation.scoring import ScoredPairs, score_rows
from facezoo_compare.analysis import METRICS, compare
from facezoo_compare.figure import check, draw
from facezoo_compare.grid import find_row, make_grid
from facezoo_compare.results import read_evaluation, read_scores, write_scores
from facezoo_compare.running import Outcome, check_cells, check_folder, run_cell
from support.faces import identity_folder, pairs_csv
from support.fixtures import PLAIN, TWIN

RECIPE = ["data.size=32", "data.cache=none", "backbone.dim=16", "train.batch_size=8", "evaluate.folds=3"]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = identity_folder(tmp_path_factory.mktemp("faces"))
    pairs_csv(root)
    return root


def grid(data: Path, heads: str = "cosface,arcface", seeds: int = 1, epochs: int = 1, **options):
    flags = {"data.path": str(data), "evaluate.pairs": str(data / "pairs.csv")}
    sets = [*RECIPE, f"train.epochs={epochs}"]
    return make_grid(heads.split(","), seeds, flags=flags, sets=sets, **options)


def test_the_grid_is_every_head_with_every_value_and_seed(data: Path):
    sweeps = ["head.margin=0.2,0.3", "optimizer.lr=0.1,0.05"]
    cells = grid(data, seeds=2, sweeps=sweeps)
    assert len(cells) == len({cell.folder for cell in cells}) == 16
    assert cells[0].label == "cosface margin=0.2 optimizer.lr=0.1"
    assert cells[3].folder == "cosface_margin=0.2_optimizer.lr=0.05-seed1"
    assert (cells[3].settings.optimizer.lr, cells[3].settings.train.seed) == (0.05, 1)
    assert cells[12].settings.head_config.margin == 0.3
    assert {cell.settings.data.size for cell in cells} == {32}


def test_a_head_may_come_with_one_of_its_presets(data: Path):
    plain, baseline = grid(data, heads="cosface,cosface@normface")
    assert (plain.settings.preset, baseline.settings.preset) == (None, "normface")
    assert (baseline.settings.head_config.margin, baseline.label) == (0.0, "cosface@normface")
    assert plain.folder != baseline.folder


def test_a_head_may_come_with_its_distribution(with_installed):
    with_installed(PLAIN, TWIN)
    cells = make_grid(["facezoo.Twin:plain", "facezoo-plain:plain@paper"], 1)
    assert [cell.settings.head.entry.dist for cell in cells] == ["facezoo.Twin", "facezoo-plain"]
    assert [cell.folder for cell in cells] == ["facezoo.Twin_plain-seed0", "facezoo-plain_plain@paper-seed0"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"heads": "cosface,cosface"}, "name each once"),
        ({"heads": "cosfase"}, "did you mean 'cosface'"),
        ({"heads": "cosface@"}, "names no preset"),
        ({"heads": "cosface@normfase"}, "normface"),
        ({"sweeps": ["head.margin"]}, "--sweep head.margin: no values"),
        ({"sweeps": ["head.margin=0.2,"]}, "no values"),
        ({"sweeps": ["head.margn=0.2"]}, r"head\.margn: unknown setting; did you mean 'margin'"),
        ({"sweeps": ["head.margin=0.2,0.2"]}, "two cells of the grid have one name"),
    ],
)
def test_mistakes_are_told_before_anything_is_trained(data: Path, options, message):
    with pytest.raises(FacezooError, match=message):
        grid(data, **options)


def test_a_baseline_is_a_row_or_a_head_with_one(data: Path):
    cells = grid(data, sweeps=["head.margin=0.2,0.3"])
    assert find_row(cells, "arcface margin=0.3") == "arcface margin=0.3"
    assert find_row(grid(data), "arcface") == "arcface"
    with pytest.raises(FacezooError, match="'arcface' has 2 rows"):
        find_row(cells, "arcface")
    with pytest.raises(FacezooError, match="is no row of the table; did you mean 'cosface'"):
        find_row(grid(data), "cosfase")


@pytest.fixture(scope="module")
def finished(data: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Outcome]:
    out = tmp_path_factory.mktemp("compare")
    return [run_cell(cell, out / cell.folder) for cell in grid(data, seeds=2)]


def test_every_cell_is_a_run_of_its_own(finished: list[Outcome]):
    for outcome in finished:
        assert outcome.failure is None
        evaluation = json.loads((outcome.folder / "evaluation.json").read_text())
        scored = outcome.scored
        figures = verify(scored.scores, scored.same, scored.fold).as_dict()
        assert figures == evaluation["verification"] == outcome.evaluation["verification"]
        assert scored.units.count == 4


def test_finished_cells_are_taken_as_they_are(finished: list[Outcome], monkeypatch):
    monkeypatch.setattr("facezoo_compare.running.train", lambda *_, **__: 1 / 0)
    monkeypatch.setattr("facezoo_compare.running.open_network", lambda *_: 1 / 0)
    again = run_cell(finished[0].cell, finished[0].folder)
    assert again.failure is None
    np.testing.assert_array_equal(again.scored.scores, finished[0].scored.scores)
    np.testing.assert_array_equal(again.scored.units.right, finished[0].scored.units.right)


def damage(folder: Path, name: str, how: str) -> None:
    path = folder / name
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2] if how == "half" else how.encode())


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("scores.npz", "half"),
        ("scores.npz", ""),
        ("evaluation.json", "half"),
        ("evaluation.json", "[" * 100_000),
        ("evaluation.json", "[]"),
        ("evaluation.json", '{"verification": 1, "untrained": null}'),
        ("evaluation.json", '{"verification": {"accuracy": 0.5}, "untrained": null}'),
    ],
)
def test_a_damaged_result_is_computed_again_and_said(
    finished: list[Outcome], tmp_path: Path, name: str, how: str
):
    folder = tmp_path / "cell"
    shutil.copytree(finished[0].folder, folder)
    damage(folder, name, how)
    with pytest.warns(RuntimeWarning, match=f"{name}: .*; it is computed again"):
        again = run_cell(finished[0].cell, folder)
    assert again.failure is None
    assert again.evaluation == finished[0].evaluation
    np.testing.assert_array_equal(again.scored.scores, finished[0].scored.scores)
    assert read_evaluation(folder) == again.evaluation
    np.testing.assert_array_equal(read_scores(folder).same, finished[0].scored.same)


def test_pairs_that_are_listed_again_stay_one_where_nobody_knows_who_is_on_them(tmp_path: Path):
    pairs = Pairs(np.array([0, 1, 2]), np.array([1, 0, 0]), np.array([True, True, False]))
    scored = score_rows("made", np.eye(3) + 0.1, pairs, ["a", "b", "c"], 2)
    write_scores(tmp_path, scored)
    again = read_scores(tmp_path)
    assert again.units is None
    assert again.drawn.words == scored.drawn.words == "bootstrap over 2 pairs, whose identities are unknown"
    np.testing.assert_array_equal(again.drawn.left, scored.drawn.left)


@pytest.mark.parametrize(
    "changes",
    [
        {"score": np.array([0.5, np.nan])},
        {"same": np.array([1, 0])},
        {"fold": np.array([0])},
        {"left": np.array([0, -1]), "right": np.array([0, 1])},
        {"left": np.array([0, 1])},
        {"pair": np.array([0, -1])},
        {"name": np.array(3)},
        {"score": np.array(0.5)},
        {"score": np.zeros(0), "same": np.zeros(0, bool), "fold": np.zeros(0, int)},
    ],
)
def test_scores_that_are_not_a_runs_are_refused(tmp_path: Path, changes: dict[str, np.ndarray]):
    arrays = {"name": np.array("made"), "score": np.array([0.5, 0.1]), "same": np.array([True, False])}
    arrays |= {"fold": np.array([0, 1])}
    np.savez(tmp_path / "scores.npz", **arrays)
    assert read_scores(tmp_path).scores.tolist() == [0.5, 0.1]
    np.savez(tmp_path / "scores.npz", **(arrays | changes))
    with pytest.raises(FacezooError, match="scores of a run's pairs"):
        read_scores(tmp_path)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"data.path": "facez"}, "facez: does not exist"),
        ({"evaluate.pairs": "pears.csv"}, "pears.csv"),
        ({"evaluate.images": "no-images"}, "no-images"),
        ({"train.init_from": "no-run"}, "no-run"),
        ({"train.device": "mps"}, "train.device: 'mps'"),
    ],
)
def test_what_the_runs_need_is_looked_for_before_the_first(data: Path, tmp_path: Path, flags, message):
    given = {"data.path": str(data), "evaluate.pairs": str(data / "pairs.csv")} | flags
    cells = make_grid(["cosface", "arcface"], 1, flags=given, sets=RECIPE)
    with pytest.raises(FacezooError, match=message):
        check_cells(cells, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_start_that_failed_is_no_run_with_another_recipe(data: Path, tmp_path: Path):
    (tmp_path / "resolved.toml").write_text('# facezoo 0.1.0\n[data]\npath = "facez"\n')
    check_folder(grid(data)[0], tmp_path)


def test_an_interrupted_cell_goes_on_to_the_same_scores(data: Path, tmp_path: Path, finished):
    (cell,) = grid(data, heads="cosface", epochs=2)
    whole = run_cell(cell, tmp_path / "whole")
    part = tmp_path / "part"
    shutil.copytree(tmp_path / "whole", part)
    (part / "evaluation.json").unlink()
    (part / "scores.npz").unlink()
    shutil.rmtree(part / "checkpoints")  # killed before the first checkpoint
    again = run_cell(cell, part)
    assert again.failure is None
    np.testing.assert_array_equal(again.scored.scores, whole.scored.scores)


def test_a_directory_with_another_recipe_is_refused(data: Path, finished: list[Outcome], tmp_path: Path):
    cell = grid(data, epochs=2)[0]
    check_folder(finished[0].cell, finished[0].folder)
    check_folder(cell, tmp_path)
    with pytest.raises(FacezooError, match=r"another recipe \(train\.epochs\)"):
        check_folder(cell, finished[0].folder)
    written = (finished[0].folder / "resolved.toml").read_text()
    assert "accumulate = 1\n" in written
    (tmp_path / "checkpoints" / "step-3").mkdir(parents=True)
    older = tmp_path / "resolved.toml"
    older.write_text(written.replace("accumulate = 1\n", ""))  # before there was such a setting
    check_folder(finished[0].cell, tmp_path)
    older.write_text(written.replace("accumulate = 1", "accumulate ="))
    with pytest.raises(FacezooError) as error:
        check_folder(finished[0].cell, tmp_path)
    assert error.value.hint.endswith("Or remove that run, or choose another directory (--out).")


def test_a_failure_is_contained_and_an_interruption_is_not(data: Path, tmp_path: Path, monkeypatch):
    cell = grid(data)[0]
    broken = replace(cell.settings, data=cell.settings.data.model_copy(update={"path": str(tmp_path / "no")}))
    outcome = run_cell(replace(cell, settings=broken), tmp_path / "a")
    assert "does not exist" in outcome.failure
    assert outcome.scored is None

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("facezoo_compare.running.train", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run_cell(cell, tmp_path / "b")


def made_outcomes(data: Path, shifts: dict[str, list[float]], people: int = 60) -> list[Outcome]:
    """Outcomes with made-up scores: noise common to all heads, and a shift of the genuine pairs a run."""
    random = np.random.default_rng(0)
    left = np.repeat(np.arange(people), 10)
    right = np.where(np.arange(len(left)) % 2 == 0, left, (left + 1 + np.arange(len(left)) % 7) % people)
    same = left == right
    fold = np.arange(len(left)) // (len(left) // 5)
    noise = random.normal(0, 0.5, len(left))
    cells = {(cell.label, cell.seed): cell for cell in grid(data, ",".join(shifts), seeds=5)}
    outcomes = []
    for label, values in shifts.items():
        for seed, shift in enumerate(values):
            own = random.normal(0, 0.1, len(left))
            cell = cells[label, seed]
            if math.isnan(shift):
                outcomes.append(Outcome(cell, Path(cell.folder), failure="the loss is nan at step 3"))
                continue
            scored = ScoredPairs(
                "made", same * shift + noise + own, same, fold, PairUnits(left, right, people)
            )
            outcomes.append(
                Outcome(cell, Path(cell.folder), scored, {"untrained": dict.fromkeys(METRICS, 0.5)})
            )
    return outcomes


def test_means_spreads_and_differences_equal_the_loops(data: Path):
    outcomes = made_outcomes(data, {"cosface": [1.0, 1.02, 0.98], "arcface": [0.3, 0.33, 0.29]})
    found = compare(outcomes, "cosface", replicates=400)
    base, other = found.rows
    accuracies = {}
    for outcome in outcomes:
        scored = outcome.scored
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
    drawn = [
        replicate(o.scored.scores, o.scored.same, o.scored.fold, o.scored.units, count=400).accuracy
        for o in outcomes
    ]
    paired = np.mean(drawn[3:], 0) - np.mean(drawn[:3], 0)
    low, high = np.quantile(paired, [0.025, 0.975])
    assert other.difference.interval.high - other.difference.interval.low > high - low


def test_equal_heads_show_no_difference(data: Path):
    same = {"cosface": [1.0, 1.0, 1.0], "arcface": [1.0, 1.0, 1.0], "sphereface": [0.2, 0.2, 0.2]}
    _, equal, worse = compare(made_outcomes(data, same), "cosface", replicates=300).rows
    assert not equal.difference.shown
    assert worse.difference.shown
    assert worse.difference.adjusted == pytest.approx(2 * worse.difference.p)


def test_few_seeds_that_disagree_show_nothing(data: Path):
    agreeing = {"cosface": [1.0] * 5, "arcface": [0.8, 0.8, 0.8, 0.8, 0.8]}
    scattered = {"cosface": [1.0] * 5, "arcface": [1.6, 0.1]}
    assert compare(made_outcomes(data, agreeing), "cosface", replicates=300).rows[1].difference.shown
    found = compare(made_outcomes(data, scattered), "cosface", replicates=300).rows[1].difference
    assert not found.shown
    assert found.seeds == 2  # those that both have


def test_failed_seeds_are_left_out_and_named(data: Path):
    shifts = {"cosface": [1.0, math.nan], "arcface": [0.9, 0.9], "sphereface": [math.nan, math.nan]}
    base, other, failed = compare(made_outcomes(data, shifts), "cosface", replicates=200).rows
    assert base.failures == {1: "the loss is nan at step 3"}
    assert (base.sd, other.difference.seeds) == (None, 1)
    assert (failed.mean, failed.interval, failed.difference) == (None, None, None)
    with pytest.raises(FacezooError, match="all 1 runs failed, the first with: the loss is nan"):
        compare(made_outcomes(data, {"cosface": [math.nan]}), "cosface")
    nothing = compare(made_outcomes(data, {"cosface": [math.nan], "arcface": [1.0]}), "cosface")
    assert nothing.rows[1].difference is None  # no seed in common with the baseline


@pytest.mark.parametrize("metric", METRICS)
def test_every_metric_is_a_rate_with_an_interval(data: Path, metric):
    found = compare(made_outcomes(data, {"cosface": [1.0, 1.1]}), "cosface", metric=metric, replicates=200)
    (row,) = found.rows
    assert 0 <= row.interval.low <= row.mean <= row.interval.high <= 1
    json.dumps(found.as_dict(), allow_nan=False)


def test_runs_on_other_pairs_are_not_compared(data: Path):
    first, second = made_outcomes(data, {"cosface": [1.0], "arcface": [1.0]})
    other = replace(second, scored=replace(second.scored, same=~second.scored.same))
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


def test_the_figure_is_a_png(data: Path, tmp_path: Path):
    pytest.importorskip("matplotlib", reason="the extra `figures` is not installed")
    shifts = {"cosface": [1.0, 0.9], "arcface": [0.8], "sphereface": [math.nan]}
    draw(compare(made_outcomes(data, shifts), "cosface", replicates=200), tmp_path / "f.png")
    assert (tmp_path / "f.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    with pytest.raises(FacezooError, match="cannot be written"):
        draw(compare(made_outcomes(data, shifts), "cosface", replicates=200), tmp_path / "no" / "f.png")


@pytest.mark.parametrize(
    ("name", "message"), [("f.pgn", "not the name of a picture"), ("no/f.png", "no folder")]
)
def test_a_figure_that_could_not_be_kept_is_refused_beforehand(tmp_path: Path, name: str, message: str):
    pytest.importorskip("matplotlib", reason="the extra `figures` is not installed")
    check(tmp_path / "f.png")
    with pytest.raises(FacezooError, match=message):
        check(tmp_path / name)


def test_without_matplotlib_the_figure_names_the_extra(data: Path, tmp_path: Path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.figure", None)
    with pytest.raises(FacezooError, match="needs matplotlib") as raised:
        draw(compare(made_outcomes(data, {"cosface": [1.0]}), "cosface", replicates=200), tmp_path / "f.png")
    assert "facezoo[figures]" in raised.value.hint
