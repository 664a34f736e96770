"""With only the wheels of facezoo and one head installed: one head is there, and it trains."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


def test_one_head_is_listed(clean):
    done = clean("list-heads", "--json")
    assert done.returncode == 0, done.stderr
    (head,) = json.loads(done.stdout)
    assert (head["name"], head["dist"], head["status"]) == ("cosface", "facezoo-cosface", "ok")


def test_the_installed_packages_are_the_wheels(clean, tmp_path: Path):
    assert clean("--version", cwd=tmp_path).stdout == "facezoo 0.1.0\n"
    done = clean("show-head", "arcface", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("Error: unknown head 'arcface'")


def faces(folder: Path) -> Path:
    """Three people with four pictures each."""
    random = np.random.default_rng(0)
    for person in "abc":
        (folder / person).mkdir(parents=True)
        for index in range(4):
            pixels = random.integers(0, 256, (32, 32, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / person / f"{index}.png")
    return folder


@pytest.mark.slow
def test_the_head_trains(clean, tmp_path: Path):
    small = [
        "data.size=32",
        "backbone.dim=16",
        "train.batch_size=4",
        "train.epochs=1",
        "train.device=cpu",
        "train.threads=1",
    ]
    sets = [word for setting in small for word in ("--set", setting)]
    data = str(faces(tmp_path / "faces"))
    done = clean(
        "train", "--head", "cosface", "--data", data, "--pairs", "none", "--out", "run", *sets, cwd=tmp_path
    )
    assert done.returncode == 0, done.stdout + done.stderr
    steps = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert sum("loss" in line for line in steps) >= 2
    assert list((tmp_path / "run" / "checkpoints").glob("step-*/model.safetensors"))
    again = clean("train", "run/resolved.toml", "--dry-run", cwd=tmp_path)
    assert again.returncode == 0, again.stderr
