"""Observers in a real run: told of every event, and the muted one is written into the run."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from support.distributions import facezoo
from support.fixtures import PLAIN, RAISER, RECORDER

SMALL = {
    "data.size": 32,
    "backbone.dim": 16,
    "train.batch_size": 4,
    "train.epochs": 2,
    "train.save_every": 1,
    "train.device": "cpu",
    "train.threads": 1,
    "evaluate.folds": 2,
}


def faces(folder: Path) -> Path:
    """Three people with four pictures each, and a file of pairs of them."""
    random = np.random.default_rng(0)
    for person in "abc":
        (folder / person).mkdir(parents=True)
        for index in range(4):
            pixels = random.integers(0, 256, (32, 32, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / person / f"{index}.png")
    pairs = [f"{x}/0.png,{y}/1.png,{int(x == y)}" for x in "abc" for y in "abc"]
    (folder / "pairs.csv").write_text("\n".join(["a,b,same", *pairs]) + "\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def observed(installed, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that was observed by a recorder and by an observer that raises."""
    home = tmp_path_factory.mktemp("observed")
    data = faces(home / "faces")
    sets = [word for key, value in SMALL.items() for word in ("--set", f"{key}={value}")]
    done = facezoo(
        *("train", "--head", "plain", "--data", str(data), "--pairs", str(data / "pairs.csv")),
        *("--out", str(home / "run"), *sets),
        sites=tuple(map(installed, (PLAIN, RECORDER, RAISER))),
        RECORD=str(home / "record.jsonl"),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr.count("observer 'raiser' of facezoo-raiser 1.0 is muted") == 1
    assert done.stdout.splitlines().count("recording run") == 1
    return home


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_every_event_of_a_run_reaches_the_observer(observed: Path):
    record = lines(observed / "record.jsonl")
    events = [line["event"] for line in record]
    assert events[0] == "train_start"
    assert events[-1] == "train_end"
    assert [line["step"] for line in record if line["event"] == "step_end"] == [1, 2, 3, 4, 5, 6]
    assert [line["epoch"] for line in record if line["event"] == "epoch_end"] == [1, 2]
    assert events.count("checkpoint_metadata") == 2
    assert all("loss" in line["keys"] for line in record if line["event"] in ("step_end", "epoch_end"))


def test_the_verifications_before_and_after_training_reach_the_observer(observed: Path):
    told = [line for line in lines(observed / "record.jsonl") if line["event"] == "verification_end"]
    evaluation = json.loads((observed / "run" / "evaluation.json").read_text(encoding="utf-8"))
    expected = [(0, evaluation["untrained"]), (6, evaluation["verification"])]
    assert [(line["step"], line["accuracy"]) for line in told] == [
        (step, figures["accuracy"]) for step, figures in expected
    ]


def test_the_muted_observer_is_in_metrics_and_checkpoints(observed: Path):
    muted = [
        line for line in lines(observed / "run" / "metrics.jsonl") if line.get("event") == "observer muted"
    ]
    (checkpoint, *_) = sorted((observed / "run").glob("checkpoints/step-*/checkpoint.json"))
    assert [(line["observer"], line["dist"], line["error"]) for line in muted] == [
        ("raiser", "facezoo-raiser", "ValueError: at step 1")
    ]
    assert "ValueError: at step 1" in checkpoint.read_text(encoding="utf-8")


def test_what_observers_add_is_kept(observed: Path):
    last = max(
        (observed / "run").glob("checkpoints/step-*"), key=lambda path: int(path.name.partition("-")[2])
    )
    assert '"facezoo-recorder:recorder"' in (last / "checkpoint.json").read_text(encoding="utf-8")
