"""Signals to a real process in the middle of an epoch, and a reader that goes: saved, told, and resumed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from facezoo.registry import installed_heads
from facezoo.runs.verified import read_part
from facezoo.runs.written import read_metrics
from facezoo.settings import resolve
from facezoo.training import Trainer, latest_checkpoint, read_metadata, resume
from support.faces import identity_folder
from support.patience import HANG, wait_for

STEP = 5
SMALL = {"data.size": 16, "backbone.dim": 8, "train.epochs": 2, "train.batch_size": 4, "train.save_every": 0}
SMALL |= {"train.device": "cpu", "train.threads": 1, "evaluate.pairs": "none"}
Process = subprocess.Popen[str]
HEADS = [entry.name for entry in installed_heads() if entry.status == "ok"]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """32 images: 8 steps per epoch."""
    return identity_folder(tmp_path_factory.mktemp("data") / "faces", images=8)


def start(program: list[str], data: Path, out: Path, changes: dict[str, object], **pipes: int) -> Process:
    """`facezoo train` in a process of its own, by a program that takes its arguments."""
    sets = [word for key, value in (SMALL | changes).items() for word in ("--set", f"{key}={value}")]
    options = ["--head", HEADS[0], "--data", str(data), "--out", str(out), *sets]
    path = os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    command, environment = (
        [sys.executable, "-m", *program, "train", *options],
        os.environ | {"PYTHONPATH": path},
    )
    return subprocess.Popen(command, env=environment, text=True, **pipes)


def interrupted(data: Path, out: Path, number: signal.Signals) -> tuple[int, str]:
    """Start `facezoo train` and send the signal at a step; exit code and what was said."""
    there = out.parent / "there"
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    process = start(["support.stopped", str(STEP), str(there)], data, out, {}, **pipes)
    wait_for(there.exists, lambda: process.poll() is None)
    process.send_signal(number)
    _, said = process.communicate(timeout=HANG)
    return process.returncode, said


@pytest.mark.skipif(not HEADS, reason="no head is installed")
@pytest.mark.parametrize(
    ("number", "code"),
    [
        (signal.SIGTERM, 143),
        pytest.param(signal.SIGINT, 130, marks=pytest.mark.slow),
        pytest.param(signal.SIGHUP, 129, marks=pytest.mark.slow),
    ],
)
def test_a_signal_saves_between_steps_and_says_how_to_go_on(
    data: Path, tmp_path: Path, number: signal.Signals, code: int
):
    out = tmp_path / "run"
    exit_code, said = interrupted(data, out, number)
    assert exit_code == code, said
    last = latest_checkpoint(out)
    assert f"The last checkpoint is {last}. To go on: facezoo train --resume {out}" in said
    assert "Traceback" not in said
    about, steps = read_metadata(last), [line["step"] for line in read_metrics(out)]
    assert about["step"] == about["batch"] == max(steps) == STEP

    resume(out)
    whole = Trainer(resolve(out / "resolved.toml"), tmp_path)
    whole.fit()
    weights = read_part(latest_checkpoint(out), "model")
    expected = whole.parts.backbone.state_dict()
    assert [name for name in weights if not torch.equal(weights[name], expected[name])] == []
    ours, theirs = (read_metrics(run) for run in (out, tmp_path))
    assert [line["loss"] for line in ours] == [line["loss"] for line in theirs]


@pytest.mark.slow
@pytest.mark.skipif(not HEADS, reason="no head is installed")
def test_a_reader_that_goes_away_is_like_sigterm(data: Path, tmp_path: Path):
    """As in `facezoo train ... 2>&1 | head -1`: what is left to say has nobody to say it to."""
    out, epochs = tmp_path / "run", 5000
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    process = start(["facezoo_cli"], data, out, {"train.epochs": epochs}, **pipes)
    assert HEADS[0] in process.stdout.readline()
    process.stdout.close()
    assert process.wait(HANG) == 128 + signal.SIGPIPE
    last = latest_checkpoint(out)
    assert read_metadata(last)["step"] == len([line for line in read_metrics(out) if "event" not in line])
    assert read_metadata(last)["step"] < epochs * 8
