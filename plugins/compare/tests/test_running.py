"""Comparisons: the grid, and what is trained, resumed and contained."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from facezoo import FacezooError
from facezoo.benchmarks import PairsResult
from facezoo.data import Pairs
from facezoo.evaluation import verify
from facezoo.evaluation.scoring import score_rows
from facezoo_compare.grid import find_row, make_grid
from facezoo_compare.results import read_evaluation, read_result, write_result
from facezoo_compare.running import Outcome, check_cells, check_folder, run_cell
from support.fixtures import PLAIN, TWIN

RECIPE = ["data.size=32", "data.cache=none", "backbone.dim=16", "train.batch_size=8", "evaluate.folds=3"]


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
        scored = outcome.result.scored
        figures = verify(scored.scores, scored.same, scored.fold).as_dict()
        assert figures == evaluation["verification"] == outcome.evaluation["verification"]
        assert scored.units.count == 4


def test_finished_cells_are_taken_as_they_are(finished: list[Outcome], monkeypatch):
    monkeypatch.setattr("facezoo_compare.running.train", lambda *_, **__: 1 / 0)
    monkeypatch.setattr("facezoo_compare.running.open_network", lambda *_: 1 / 0)
    again = run_cell(finished[0].cell, finished[0].folder)
    assert again.failure is None
    np.testing.assert_array_equal(again.result.scored.scores, finished[0].result.scored.scores)
    np.testing.assert_array_equal(again.result.scored.units.right, finished[0].result.scored.units.right)


def test_a_cell_may_be_verified_on_any_benchmark(data: Path, tmp_path: Path):
    flags = {"data.path": str(data), "evaluate.pairs": str(data), "evaluate.protocol": "all-pairs"}
    (cell,) = make_grid(["cosface"], 1, flags=flags, sets=[*RECIPE, "train.epochs=1"])
    check_cells([cell], tmp_path)
    outcome = run_cell(cell, tmp_path / "run")
    assert outcome.failure is None
    main = outcome.result.main
    assert (outcome.evaluation["figure"], outcome.evaluation["verification"][main.name]) == (
        main.name,
        main.value,
    )
    assert not (tmp_path / "run" / "scores.npz").exists()
    again = run_cell(cell, tmp_path / "run")
    assert again.result.figures == outcome.result.figures


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
    np.testing.assert_array_equal(again.result.scored.scores, finished[0].result.scored.scores)
    assert read_evaluation(folder) == again.evaluation
    np.testing.assert_array_equal(read_result(folder).scored.same, finished[0].result.scored.same)


def test_pairs_that_are_listed_again_stay_one_where_nobody_knows_who_is_on_them(tmp_path: Path):
    pairs = Pairs(np.array([0, 1, 2]), np.array([1, 0, 0]), np.array([True, True, False]))
    scored = score_rows("made", np.eye(3) + 0.1, pairs, ["a", "b", "c"], 2)
    write_result(tmp_path, PairsResult(scored))
    again = read_result(tmp_path).scored
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
    assert read_result(tmp_path).scored.scores.tolist() == [0.5, 0.1]
    np.savez(tmp_path / "scores.npz", **(arrays | changes))
    with pytest.raises(FacezooError, match="scores of a run's pairs"):
        read_result(tmp_path)


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


def test_a_figure_that_pairs_do_not_have_is_told_before_the_first_run(data: Path, tmp_path: Path):
    with pytest.raises(FacezooError, match=r"pairs\.csv: has no figure 'acc'"):
        check_cells(grid(data), tmp_path / "out", "acc")
    check_cells(grid(data), tmp_path / "out", "eer")


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
    np.testing.assert_array_equal(again.result.scored.scores, whole.result.scored.scores)


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
    assert outcome.result is None

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("facezoo_compare.running.train", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run_cell(cell, tmp_path / "b")
