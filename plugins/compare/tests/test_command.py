"""`facezoo compare`: what it refuses beforehand, what it shows, and how it ends when it is told to."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from facezoo.runs.claim import claim
from facezoo_compare import running
from support.faces import identity_folder, pairs_csv
from support.fixtures import PLAIN

RECIPE = ["--set", "train.epochs=1", "--set", "data.size=32", "--set", "data.cache=none"]


@pytest.fixture(autouse=True)
def _plain(with_installed) -> None:
    with_installed(PLAIN)


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = identity_folder(tmp_path_factory.mktemp("faces"), images=8)
    pairs_csv(root, images=5)
    return root


def lines_of(result) -> list[str]:
    assert result.exit_code == 0, result.output
    return result.stdout.splitlines()


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--data", "facez", "--pairs", "pears.csv"], "facez: does not exist"),
        (["--data", ".", "--pairs", "none"], "no pairs to be compared on"),
        (["--heads", "plain,plane"], "did you mean 'plain'"),
        (["--baseline", "plane"], "baseline 'plane' is no row"),
        (["--figure", "no/f.png"], "there is no folder no"),
        (["recipe.toml"], "recipe.toml: cannot be read"),
    ],
)
def test_mistakes_are_told_before_anything_is_written(invoke, monkeypatch, tmp_path: Path, args, message):
    monkeypatch.chdir(tmp_path)
    result = invoke("compare", "--heads", "plain", *args)
    assert result.exit_code == 2, result.output
    assert message in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_it_ends_as_the_shell_expects(invoke, monkeypatch, tmp_path: Path, number: int, code: int):
    monkeypatch.setattr(running, "check_inputs", lambda _: None)
    monkeypatch.setattr(running, "run_cell", lambda *_: os.kill(os.getpid(), number))
    handler = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
    before = signal.signal(number, handler)
    try:
        result = invoke("compare", "--heads", "plain", "--pairs", "p.csv", "--out", str(tmp_path / "out"))
    finally:
        signal.signal(number, before)
    assert result.exit_code == code
    assert "Interrupted. The same command goes on." in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_heads_are_compared_and_failures_shown(invoke, faces, tmp_path, monkeypatch):
    args = ["compare", "--heads", "cosface,arcface", "--seeds", "2", "--data", str(faces)]
    args += ["--pairs", str(faces / "pairs.csv"), *RECIPE, "--baseline", "cosface", "--replicates", "100"]
    out = tmp_path / "out"
    real = running.train

    def failing(settings, folder, **kwargs):
        if folder.name == "arcface-seed1":
            raise RuntimeError("out of memory\nsomewhere")
        return real(settings, folder, **kwargs)

    monkeypatch.setattr(running, "train", failing)
    first = invoke(*args, "--out", str(out))
    assert first.exit_code == 1
    assert "failed: arcface, seed 1: RuntimeError: out of memory" in first.stdout
    assert "1/2" in first.stdout
    monkeypatch.setattr(running, "train", real)
    second = invoke(*args, "--out", str(out))
    lines = lines_of(second)
    assert lines[0] == "accuracy on pairs.csv, %; differences to cosface"
    assert lines[2].endswith("baseline")
    assert lines[3].startswith("arcface")
    assert lines[-1] == "SD: over seeds. p: two-sided, corrected for 1 comparisons."
    content = json.loads(invoke(*args, "--out", str(out), "--json").stdout)
    assert content == json.loads((out / "comparison.json").read_text())
    assert [row["label"] for row in content["rows"]] == ["cosface", "arcface"]
    assert set(content["rows"][1]["figures"]) == {"0", "1"}


def test_a_run_in_another_process_is_put_off_and_then_taken(invoke, faces, tmp_path, monkeypatch):
    args = ["compare", "--heads", "cosface,arcface", "--seeds", "1", "--data", str(faces), *RECIPE]
    args += ["--pairs", str(faces / "pairs.csv"), "--replicates", "100", "--out", str(tmp_path)]
    folder = tmp_path / "cosface-seed0"
    folder.mkdir()
    other = claim(folder)
    other.__enter__()
    monkeypatch.setattr("facezoo_compare.running.PATIENCE", 0.0)

    def release(seconds: float) -> None:
        assert (tmp_path / "arcface-seed0" / "scores.npz").exists()  # the others came first
        other.__exit__(None, None, None)

    monkeypatch.setattr("time.sleep", release)
    result = invoke(*args)
    assert result.exit_code == 0
    assert result.stderr.count("put off: another process is training it") == 1
    assert [line.split()[0] for line in lines_of(result)[2:4]] == ["cosface", "arcface"]


def test_a_comparison_needs_pairs(invoke, faces, tmp_path):
    result = invoke("compare", "--heads", "cosface", "--data", str(faces), "--out", str(tmp_path))
    assert result.exit_code == 2
    assert "would have no pairs to be compared on" in result.stderr
    assert list(tmp_path.iterdir()) == []
