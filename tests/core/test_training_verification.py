"""Verification during training: when, what is written of it, and the checkpoint that it keeps."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from rich.console import Console

from facezoo import FacezooError
from facezoo.benchmarks import Figures, Main, Units, open_run_benchmark
from facezoo.benchmarks.running import open_images
from facezoo.runs.checkpoint import name_best
from facezoo.runs.verified import best_checkpoint
from facezoo.runs.written import RATES, read_metrics
from facezoo.settings import EvaluateSettings
from facezoo.training import Trainer, interrupt, train
from facezoo.training.verifying import Verifier, due
from facezoo_cli.main import cli
from support.faces import identity_folder, pairs_csv
from support.stateful_head import run_settings


@pytest.mark.parametrize(
    ("every", "every_steps", "expected"),
    [
        (0, 0, []),
        (1, 0, [4, 8, 12]),
        (2, 0, [8, 12]),
        (0, 5, [5, 10, 12]),
        (3, 4, [4, 8, 12]),
        (5, 0, [12]),
    ],
)
def test_a_verification_is_due_every_so_often_and_at_the_end(
    every: int, every_steps: int, expected: list[int]
):
    settings = EvaluateSettings(every=every, every_steps=every_steps)
    assert [step for step in range(13) if due(settings, step, 4, 12)] == expected


def verifications(run_dir: Path) -> dict[int, dict[str, object]]:
    lines = read_metrics(run_dir)
    return {line["step"]: line["verification"] for line in lines if line.get("event") == "verification"}


def saved(run_dir: Path) -> list[str]:
    return sorted(path.name for path in (run_dir / "checkpoints").iterdir())


def test_figures_during_training_are_those_of_their_step_and_change_nothing(data: Path, tmp_path: Path):
    plain = train(run_settings(data), tmp_path / "plain")
    watched = train(run_settings(data, evaluate={"every": 2, "every_steps": 3}), tmp_path / "watched")
    assert watched["verification"] == plain["verification"]
    found = verifications(tmp_path / "watched")
    assert list(found) == [3, 6, 8, 9, 12, 15, 16]
    assert found[16]["accuracy"] == plain["verification"]["accuracy"]
    best = max(found, key=lambda step: (found[step]["accuracy"], -step))
    assert best_checkpoint(tmp_path / "watched")["step"] == best == watched["best"]["step"]
    assert plain["best"] is None


class Told:
    """A benchmark whose results the test chooses, one after the other."""

    def __init__(self, name: str, *values: float | None, main: Main | None = None) -> None:
        self.name, self.images, self.fit, self.remarks = name, None, None, ()
        self._values, self._main = iter(values), main or Main("accuracy", None)

    def evaluate(self, embeddings: np.ndarray) -> Figures:
        value, main = next(self._values), self._main
        found = np.array([np.nan if value is None else value])
        rates = dict.fromkeys(RATES, found) if main.name == "accuracy" else {main.name: found}
        units = Units(3, known=True)
        return Figures(self.name, lambda times: rates, units, main.name, main.better, main.unit)


def on(folder: Path, run_dir: Path, told: Told, **changes: object) -> Trainer:
    """A run that is verified on images that are there, with results that are told."""
    running = Trainer(run_settings(folder, data={"size": 16}, **changes), run_dir)
    opened = open_run_benchmark(running.settings.evaluate, str(folder), running.parts.preprocessing)
    running.verify_on(told, open_images(opened, running.parts.preprocessing))
    return running


def test_figures_that_training_ended_with_are_not_computed_again(data: Path, tmp_path: Path, monkeypatch):
    asked, measure = [], Verifier.measure
    monkeypatch.setattr(Verifier, "measure", lambda self: asked.append(self.course.step) or measure(self))
    train(run_settings(data, train={"epochs": 1}), tmp_path / "run")
    assert asked == [0, 4]


def accuracy(step: int, pairs: str, value: float) -> dict[str, object]:
    figure = {"figure": "accuracy", "value": value, "better": "higher"}
    return {"step": step, "pairs": pairs, "accuracy": value, **figure}


def test_the_best_is_kept_beside_the_last_ones(data: Path, tmp_path: Path):
    told = Told("pairs.csv", 0.5, 0.9, 0.7, 0.9, 0.6, 0.95)
    train = {"epochs": 6, "save_every": 1, "keep": 1}
    running = on(data, tmp_path, told, evaluate={"every": 1}, train=train)
    running.fit(until=4)
    assert saved(tmp_path) == ["best.json", "step-4"]
    running.fit(until=8)
    assert saved(tmp_path) == ["best.json", "step-8"]
    running.fit(until=20)
    assert best_checkpoint(tmp_path) == accuracy(8, "pairs.csv", 0.9)
    assert saved(tmp_path) == ["best.json", "step-20", "step-8"]
    running.fit()
    assert saved(tmp_path) == ["best.json", "step-24"]


@pytest.mark.parametrize(
    ("better", "unit", "best", "said"),
    [("higher", "%", 8, "TAR 90.00 %"), ("lower", "", 4, "TAR 0.5000")],
)
def test_any_benchmark_says_what_is_best(tmp_path: Path, data: Path, better, unit, best: int, said: str):
    told = Told("mine", 0.5, 0.9, None, 0.9, main=Main("TAR", None, better, unit))
    running = on(data, tmp_path, told, evaluate={"every": 1}, train={"save_every": 1, "keep": 1})
    running.audience.report.console = Console(file=io.StringIO(), width=200)
    running.fit()
    assert best_checkpoint(tmp_path) == {
        "step": best,
        "pairs": "mine",
        "figure": "TAR",
        "value": {8: 0.9, 4: 0.5}[best],
        "better": better,
    }
    assert saved(tmp_path) == ["best.json", "step-16", f"step-{best}"]
    assert [line["TAR"] for line in verifications(tmp_path).values()] == [0.5, 0.9, None, 0.9]
    printed = running.audience.report.console.file.getvalue().splitlines()
    assert f"verified after {best} steps: {said}, the best so far" in printed


def test_the_best_on_other_pairs_counts_for_nothing(data: Path, tmp_path: Path):
    running = on(data, tmp_path, Told("mine.csv", 0.6), evaluate={"every": 1})
    (tmp_path / "checkpoints").mkdir()
    name_best(tmp_path, 1, "others.csv", 0.9, keep=2)
    running.fit(until=4)
    assert best_checkpoint(tmp_path) == accuracy(4, "mine.csv", 0.6)


def test_a_verification_that_a_stop_prevented_is_made_on_resume(data: Path, tmp_path: Path, monkeypatch):
    settings = run_settings(data, evaluate={"every_steps": 3})
    plain = train(settings, tmp_path / "plain")

    measure = Verifier.measure

    def stop(self):
        if self.course.step == 6:
            raise interrupt.Interrupted(15)
        return measure(self)

    running = Trainer(settings, tmp_path / "stopped")
    benchmark = open_run_benchmark(settings.evaluate, str(data), running.parts.preprocessing)
    running.verify_on(benchmark, open_images(benchmark, running.parts.preprocessing))
    (tmp_path / "stopped").mkdir()
    (tmp_path / "stopped" / "resolved.toml").touch()
    monkeypatch.setattr(Verifier, "measure", stop)
    with pytest.raises(KeyboardInterrupt):
        running.fit()
    monkeypatch.undo()
    running.saver.save()
    assert list(verifications(tmp_path / "stopped")) == [3]
    assert train(settings, tmp_path / "stopped", resume=True)["verification"] == plain["verification"]
    assert verifications(tmp_path / "stopped") == verifications(tmp_path / "plain")


def test_without_pairs_there_is_nothing_to_verify_during_training(data: Path, tmp_path: Path):
    settings = run_settings(data, evaluate={"pairs": "none", "every": 1})
    with pytest.raises(FacezooError, match=r"evaluate\.every: there are no pairs"):
        train(settings, tmp_path / "run")


@pytest.mark.parametrize("text", ["{", "[]", '{"step": null}'])
def test_a_damaged_name_of_the_best_is_a_clear_error(tmp_path: Path, text: str):
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "best.json").write_text(text)
    with pytest.raises(FacezooError, match=r"best\.json: cannot be read") as error:
        best_checkpoint(tmp_path)
    assert "Delete it" in error.value.hint


def test_pairs_that_are_listed_again_are_said_before_training(tmp_path: Path):
    data = identity_folder(tmp_path / "faces", identities=2, images=4)
    text = pairs_csv(data, identities=2, images=2).read_text()
    (data / "pairs.csv").write_text(f"{text}person 0/1.png,person 0/0.png,1\n")
    console = Console(file=io.StringIO(), width=200)
    changes = {"train": {"epochs": 1}, "evaluate": {"folds": 2}}
    evaluation = train(run_settings(data, **changes), tmp_path / "run", console=console)
    assert evaluation["listed_again"] == 1
    said = "pairs.csv: listed again: 1 of 7 pairs, as they are or mirrored; what a rate rests on"
    assert console.file.getvalue().count(said) == 1


def test_a_network_that_gives_an_image_no_direction_stops_a_run_before_it_begins(data, tmp_path, monkeypatch):
    def embedded(backbone, store, *_, **__):
        return np.eye(len(store), 16, dtype=np.float32)[:, :16] * (np.arange(len(store)) != 1)[:, None]

    monkeypatch.setattr("facezoo.training.verifying.embed", embedded)
    with pytest.raises(FacezooError, match=r"pairs\.csv: 1 of 12 .* such as 'person 0/1\.png'"):
        train(run_settings(data), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_run_that_goes_on_with_other_pairs_has_both_its_figures_on_those(data: Path, tmp_path: Path):
    changes = {"train": {"epochs": 1}}
    train(run_settings(data, **changes), tmp_path)
    lines = (data / "pairs.csv").read_text().splitlines()
    fewer = data / "fewer.csv"
    fewer.write_text("\n".join(lines[:-6]) + "\n")
    other = run_settings(data, **changes, evaluate={"pairs": str(fewer)})
    expected = train(other, tmp_path / "new")
    for _ in range(2):
        found = train(other, tmp_path, resume=True)
        assert (found["untrained"], found["verification"]) == (
            expected["untrained"],
            expected["verification"],
        )
    told = [line for line in read_metrics(tmp_path) if line.get("event") == "untrained"]
    assert [line["verification"]["genuine"] + line["verification"]["impostor"] for line in told] == [66, 60]


def test_a_run_is_verified_on_a_benchmark_without_a_list(tmp_path: Path):
    data = identity_folder(tmp_path / "faces", size=16)
    console = Console(file=io.StringIO(), width=200)
    evaluate = {"pairs": str(data), "protocol": "all-pairs"}
    settings = run_settings(data, data={"size": 16}, train={"epochs": 1}, evaluate=evaluate)
    begun = train(settings, tmp_path / "run", console=console)
    assert begun["figure"] in begun["verification"].keys() & begun["untrained"].keys()
    assert (begun["pairs"], begun["listed_again"]) == (str(data), None)
    printed = console.file.getvalue().splitlines()
    heading = printed.index(f"verification on {data}, by {begun['figure']}")
    assert printed[heading + 1].split() == ["%", "trained", "untrained"]
    assert len(printed[heading + 2 : -1]) == len(begun["verification"])
    assert train(settings, tmp_path / "run", resume=True) == begun
    shown = CliRunner().invoke(cli, ["show-checkpoint", str(tmp_path / "run")]).stdout
    value = begun["verification"][begun["figure"]]
    assert f"verification  {begun['figure']} {value:.4g} on {data}" in shown
