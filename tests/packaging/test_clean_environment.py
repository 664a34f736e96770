"""With only the wheels of facezoo and one head installed: one head is there; it trains and is evaluated."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.faces import identity_folder, pairs_csv

SMALL = [
    "data.size=32",
    "backbone.dim=16",
    "train.batch_size=4",
    "train.epochs=1",
    "train.device=cpu",
    "train.threads=1",
]


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


def test_without_images_one_sentence_names_both_ways_out(clean, tmp_path: Path):
    done = clean("train", "--head", "cosface", "--out", "run", cwd=tmp_path)
    assert done.returncode == 2
    (said,) = done.stderr.splitlines()
    assert "give a folder with --data, or install facezoo-orl" in said
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_the_head_trains_and_is_evaluated(clean, tmp_path: Path):
    def facezoo(*args: str) -> str:
        done = clean(*args, cwd=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    pairs_csv(identity_folder(tmp_path / "faces"))
    sets = [word for setting in SMALL for word in ("--set", setting)]
    facezoo("train", "--head", "cosface", "--data", "faces", "--pairs", "none", "--out", "run", *sets)
    steps = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert sum("loss" in line for line in steps) >= 2
    assert list((tmp_path / "run" / "checkpoints").glob("step-*/model.safetensors"))
    facezoo("train", "run/resolved.toml", "--dry-run")
    figures = facezoo("evaluate", "run", "--pairs", "faces/pairs.csv", "--replicates", "5", "--json")
    assert json.loads(figures)["verification"]["genuine"] == 12
