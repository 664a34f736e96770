"""Signals to a real process in the middle of an epoch, and a reader that goes: saved, told, and resumed."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from facezoo.registry import installed_heads
from facezoo.settings import resolve
from facezoo.training import Trainer, latest_checkpoint, read_metadata, resume
from facezoo.training.checkpoint import read_part
from facezoo.training.metrics import read_metrics
from support.faces import identity_folder

SMALL = {"data.size": 32, "backbone.dim": 16, "train.epochs": 2, "train.batch_size": 4, "train.save_every": 0}
SMALL |= {"train.device": "cpu", "train.threads": 1, "evaluate.pairs": "none"}
PATIENCE = 120.0  # seconds until the process must have come to its steps
FOREGROUND = """
import signal, sys
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # in a background job some are ignored
    signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
from facezoo_cli.main import main
main(sys.argv[1:])
"""
HEADS = [entry.name for entry in installed_heads() if entry.status == "ok"]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """160 images: 40 steps an epoch."""
    return identity_folder(tmp_path_factory.mktemp("data") / "faces", images=40)


def command(data: Path, out: Path, **changes: object) -> list[str]:
    """`facezoo train` in a process of its own, with signals as a shell's foreground has them."""
    settings = SMALL | {key.replace("__", "."): value for key, value in changes.items()}
    sets = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
    names = ["--head", HEADS[0], "--data", str(data), "--out", str(out)]
    return [sys.executable, "-c", FOREGROUND, "train", *names, *sets]


def interrupted(data: Path, out: Path, number: signal.Signals) -> tuple[int, str]:
    """Start `facezoo train`, send the signal after a few steps; exit code and what was said."""
    process = subprocess.Popen(
        command(data, out), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    )
    until = time.monotonic() + PATIENCE
    while process.poll() is None and len(read_metrics(out)) < 3 and time.monotonic() < until:
        time.sleep(0.002)
    process.send_signal(number)
    _, said = process.communicate(timeout=PATIENCE)
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
    assert 3 <= about["step"] == max(steps) < 40
    assert about["batch"] == about["step"]

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
    out = tmp_path / "run"
    process = subprocess.Popen(
        command(data, out, train__epochs=50), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert HEADS[0] in process.stdout.readline()
    process.stdout.close()
    assert process.wait(PATIENCE) == 128 + signal.SIGPIPE
    last = latest_checkpoint(out)
    assert read_metadata(last)["step"] == len([line for line in read_metrics(out) if "event" not in line])
    assert read_metadata(last)["step"] < 50 * 40
