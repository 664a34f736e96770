"""Ctrl-C and SIGTERM to a real process in the middle of an epoch: saved, told, and resumed bit for bit."""

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
HEADS = [entry.name for entry in installed_heads() if entry.status == "ok"]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """160 images: 40 steps an epoch."""
    return identity_folder(tmp_path_factory.mktemp("data") / "faces", images=40)


def interrupted(data: Path, out: Path, number: signal.Signals) -> tuple[int, str]:
    """Start `facezoo train`, send the signal after a few steps; exit code and what was said."""
    sets = [word for key, value in SMALL.items() for word in ("--set", f"{key}={value}")]
    command = [sys.executable, "-m", "facezoo_cli", "train", "--head", HEADS[0], "--data", str(data)]
    process = subprocess.Popen(
        [*command, "--out", str(out), *sets], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    )
    until = time.monotonic() + PATIENCE
    while process.poll() is None and len(read_metrics(out)) < 3 and time.monotonic() < until:
        time.sleep(0.002)
    process.send_signal(number)
    _, said = process.communicate(timeout=PATIENCE)
    return process.returncode, said


@pytest.mark.skipif(not HEADS, reason="no head is installed")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
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
