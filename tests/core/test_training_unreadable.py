"""Images that prove unreadable while a set is decoded on the fly: an error, or left out and counted."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import pytest
import torch

from facezoo import FacezooError
from facezoo.runs.written import read_metrics
from facezoo.training import Interrupted, Trainer, latest_checkpoint
from facezoo.training.state import collect
from support.faces import identity_folder
from support.stateful_head import run_settings


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    root = identity_folder(tmp_path / "faces")
    (root / "person 1" / "2.png").write_bytes(b"")
    (root / "person 3" / "0.png").write_text("no picture")
    return root


def settings(data: Path, unreadable: str = "skip"):
    return run_settings(
        data,
        data={"memory_mib": 0, "unreadable": unreadable},
        train={"epochs": 2},
        evaluate={"pairs": "none"},
    )


def run(data: Path, place: Path, *stops: int) -> tuple[dict, list[dict]]:
    """Train in as many processes as there are stops; what has been learned, and metrics.jsonl."""
    place.mkdir()
    for stop in stops:
        before = latest_checkpoint(place)
        trainer = Trainer(settings(data), place, fresh=before is None)
        if before:
            trainer.restore(before)
        trainer.fit(until=stop)
        trainer.saver.save()
    return collect(trainer.parts), read_metrics(place)


def test_skipped_images_are_counted_and_a_resumed_run_skips_the_same(damaged: Path, tmp_path: Path):
    (whole, lines), (pieces, again) = (
        run(damaged, tmp_path / "one", 8),
        run(damaged, tmp_path / "two", 5, 8),
    )
    for part, tensors in whole.items():
        assert all(torch.equal(tensor, pieces[part][name]) for name, tensor in tensors.items())
    skipped = [line for line in lines if line.get("event") == "image skipped"]
    assert {(line["path"], line["reason"]) for line in skipped} == {
        ("person 1/2.png", "empty file"),
        ("person 3/0.png", "not an image in a format that facezoo reads"),
    }
    assert [line for line in again if line.get("event") == "image skipped"] == skipped
    steps = [line for line in lines if "event" not in line]
    assert sum(line.get("skipped", 0) for line in steps) == 4  # two in each of two epochs
    assert all(line["images"] == 6 - line["skipped"] for line in steps if "skipped" in line)
    means = [[line["loss"] for line in some if line.get("event") == "epoch"] for some in (lines, again)]
    assert means[0] == means[1]


def test_a_run_that_stopped_at_such_an_image_goes_on_without_it(damaged: Path, tmp_path: Path):
    trainer = Trainer(settings(damaged, "stop"), tmp_path)
    with pytest.raises(FacezooError, match=r"person \d/\d\.png: (empty file|not an image)") as error:
        trainer.fit()
    assert 'data.unreadable to "skip"' in error.value.hint
    last = latest_checkpoint(tmp_path)
    assert (last is None) == (trainer.course.step == 0)
    second = Trainer(settings(damaged, "skip"), tmp_path, fresh=last is None)
    if last:
        second.restore(last)
    second.fit()
    assert second.course.step == 8
    assert len({line["path"] for line in read_metrics(tmp_path) if line.get("event") == "image skipped"}) == 2


@pytest.mark.skipif(os.name == "nt", reason="signals are sent otherwise there")
def test_ctrl_c_saves_a_run_that_waits_for_a_file_that_never_comes(tmp_path: Path, monkeypatch):
    trainer = Trainer(settings(identity_folder(tmp_path / "faces")), tmp_path)
    batches, never = trainer.parts.batches, threading.Event()
    fetched: list[int] = []

    def fetch(images):
        fetched.append(len(images))
        if len(fetched) == 5:  # the first batch of the second epoch
            os.kill(os.getpid(), signal.SIGINT)
            never.wait()
        return plain(images)

    plain = batches.store.fetch_readable
    monkeypatch.setattr(batches.store, "fetch_readable", fetch)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(Interrupted):
            trainer.fit()
    finally:
        signal.signal(signal.SIGINT, before)
        never.set()
    assert trainer.course.step == 4
    assert latest_checkpoint(tmp_path).name == "step-4"
    assert [line["epoch"] for line in read_metrics(tmp_path) if line.get("event") == "epoch"] == [1]
