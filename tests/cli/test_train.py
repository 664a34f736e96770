"""`facezoo train`: what it resolves and refuses before anything is trained."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

import pytest

from support.faces import identity_folder
from support.fixtures import BROKEN, PLAIN


@pytest.fixture(autouse=True)
def _plain(with_installed) -> None:
    with_installed(PLAIN, BROKEN)


def test_dry_run_prints_every_value_with_its_origin(invoke, tmp_path: Path):
    file = tmp_path / "mine.toml"
    file.write_text("[train]\nbatch_size = 16\n", encoding="utf-8")
    options = [
        "--head",
        "plain",
        "--preset",
        "paper",
        "--data",
        "faces",
        "--pairs",
        "none",
        "--set",
        "head.scale=20",
    ]
    result = invoke("train", str(file), *options, "--dry-run")
    assert result.exit_code == 0
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    for line in (
        'name = "plain" # --head',
        'preset = "paper" # --preset',
        "margin = 0.5 # preset paper",
        "scale = 20.0 # --set",
        f'path = "{Path.cwd()}/faces" # --data',
        'pairs = "none" # --pairs',
        "batch_size = 16 # mine.toml",
        "epochs = 20 # default",
    ):
        assert line in lines
    assert all("# " in line for line in lines if " = " in line)


def test_dry_run_as_json_has_every_value(invoke):
    found = json.loads(invoke("train", "--head", "plain", "--data", "faces", "--dry-run", "--json").stdout)
    assert found["head"] == {"name": "plain", "scale": 16.0, "margin": 0.2, "variant": "plain"}
    assert found["train"]["epochs"] == 20
    assert found["data"]["path"] == f"{Path.cwd()}/faces"


def test_json_is_the_run_and_its_evaluation_alone_on_standard_output(invoke, tmp_path: Path):
    faces = identity_folder(tmp_path / "faces", identities=3, images=2)
    small = [f"--set={each}" for each in ("train.epochs=1", "data.size=16", "backbone.dim=8", "head.scale=4")]
    out = tmp_path / "run"
    result = invoke("train", "--head", "plain", "--data", str(faces), *small, "-o", str(out), "--json")
    assert result.exit_code == 0, result.output
    evaluation = json.loads((out / "evaluation.json").read_text())
    assert json.loads(result.stdout) == {"run": str(out), **evaluation}
    assert "run directory" in result.stderr


def test_dry_run_leaves_nothing_behind(invoke, tmp_path: Path):
    assert invoke("train", "--head", "plain", "--dry-run", "--out", str(tmp_path / "run")).exit_code == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "head.name: must be set"),
        (["--head", "plane"], "unknown head 'plane'; did you mean 'plain'?"),
        (["--head", "syntax"], "head 'syntax' of facezoo-broken 1.0 cannot be imported: SyntaxError"),
        (
            ["--head", "plain", "--set", "head.margn=1"],
            "head.margn: unknown setting; did you mean 'margin'? (--set)",
        ),
        (
            ["--head", "plain", "--set", "train.epochs=-1"],
            "train.epochs: should be greater than or equal to 1; it is -1",
        ),
        (["--head", "plain", "--preset", "pap"], "has no preset 'pap'; did you mean 'paper'?"),
        (["none.toml"], "none.toml: cannot be read"),
        (["--resume", "runs/x", "--head", "plain"], "--resume goes on with a run as it was started"),
        (["--resume", "runs/none"], "runs/none"),
        (["--resume", "runs/none", "--dry-run"], "runs/none: holds no run to resume"),
    ],
)
def test_mistakes_are_told_before_anything_is_trained(invoke, args, message):
    result = invoke("train", *args)
    assert result.exit_code == 2
    assert message in result.stderr


def test_settings_run_file_and_folder_reach_the_trainer(invoke, monkeypatch, tmp_path: Path):
    import facezoo.training

    calls = []
    monkeypatch.setattr(
        facezoo.training, "train", lambda *args, **kwargs: calls.append((args, kwargs)), raising=False
    )
    monkeypatch.chdir(tmp_path)
    assert invoke("train", "--head", "plain", "--set", "train.seed=4").exit_code == 0
    assert invoke("train", "--head", "facezoo-plain:plain", "--out", "here").exit_code == 0
    (first, first_out), (second, second_out) = (args for args, _ in calls)
    assert (first.train.seed, second.head_name) == (4, "facezoo-plain:plain")
    assert first_out.parent == Path("runs")
    assert first_out.name.startswith("plain-2")
    assert second_out == Path("here")
    assert all(kwargs["console"] is not None for _, kwargs in calls)


def test_an_interrupted_run_says_how_to_go_on(invoke, monkeypatch, tmp_path: Path):
    import facezoo.training

    def interrupted(settings: object, folder: Path, **_: object) -> None:
        folder.mkdir(parents=True)
        (folder / "resolved.toml").touch()
        raise KeyboardInterrupt

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(facezoo.training, "train", interrupted, raising=False)
    result = invoke("train", "--head", "plain", "--out", "runs/mine")
    assert result.exit_code == 130
    assert "Nothing was saved yet. To go on: facezoo train --resume runs/mine" in result.stderr


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_run_that_is_told_to_end_ends_as_the_shell_expects(
    invoke, monkeypatch, tmp_path: Path, number: int, code: int
):
    import facezoo.training

    def told(settings: object, folder: Path, **_: object) -> None:
        (folder / "checkpoints" / "step-3").mkdir(parents=True)
        os.kill(os.getpid(), number)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(facezoo.training, "train", told, raising=False)
    before = signal.signal(number, signal.SIG_DFL)
    try:
        result = invoke("train", "--head", "plain", "--out", "my runs/mine")
        assert signal.getsignal(number) is signal.SIG_DFL
    finally:
        signal.signal(number, before)
    assert result.exit_code == code
    assert "step-3. To go on: facezoo train --resume 'my runs/mine'" in result.stderr


def test_an_end_before_the_run_began_names_no_run(invoke, monkeypatch, tmp_path: Path):
    import facezoo.training

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(facezoo.training, "train", interrupted, raising=False)
    result = invoke("train", "--head", "plain", "--out", str(tmp_path / "mine"))
    assert result.exit_code == 130
    assert "before the run began: nothing was written. To begin: the same command" in result.stderr


def test_warnings_are_printed_in_one_line_and_only_while_a_command_runs(invoke, monkeypatch):
    import warnings

    import facezoo.training

    monkeypatch.setattr(
        facezoo.training, "train", lambda *_, **__: warnings.warn("mind this", stacklevel=1), raising=False
    )
    before = warnings.showwarning
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        result = invoke("train", "--head", "plain")
    assert "Warning: mind this\n" in result.stderr
    assert warnings.showwarning is before
    assert "fixture_plain_head" not in sys.modules
