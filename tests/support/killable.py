"""A training process that writes down where its saves begin and end, to be killed at any moment."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import torch
import torch._dynamo  # optimisers import it at their first step: here it is there before the processes are

from facezoo.runs.metrics import forget_after
from facezoo.settings import RunSettings
from facezoo.training import Trainer, latest_checkpoint, saving
from support.stateful_head import run_settings

DIARY = "diary.txt"


def settings_of(data: Path, optimizer: str = "sgd", epochs: int = 60) -> RunSettings:
    """A tiny run that saves after every epoch of four steps."""
    train = {"epochs": epochs, "save_every": 1, "threads": 1}
    return run_settings(
        data, train=train, evaluate={"pairs": "none"}, optimizer={"name": optimizer, "lr": 0.01}
    )


def run(data: str, run_dir: str, optimizer: str, epochs: int, slowness: float, hold: int) -> None:
    """Train, or go on training, in `run_dir`; each sync to the disk takes `slowness` seconds longer.

    After its first save the process stops for good before the `hold`-th sync, to be killed there if not
    sooner: it can never end before that, however late the kill is. 0 is never.
    """
    torch.set_num_threads(1)
    folder, fsync, write = Path(run_dir), os.fsync, saving.write_checkpoint
    saved = syncs = 0

    def slow_sync(handle: int) -> None:
        nonlocal syncs
        syncs += saved > 0
        if hold and syncs == hold:
            note(folder, "held 0")
            signal.pause()
        time.sleep(slowness)
        fsync(handle)

    def noted(run_dir: Path, step: int, *rest: object) -> Path:
        nonlocal saved
        note(folder, f"saving {step}")
        path = write(run_dir, step, *rest)
        note(folder, f"saved {step}")
        saved += 1
        return path

    os.fsync, saving.write_checkpoint = slow_sync, noted
    running = Trainer(settings_of(Path(data), optimizer, epochs), folder)
    last = latest_checkpoint(folder)
    if last is not None:
        running.restore(last)
    forget_after(folder, running.course.step)
    note(folder, f"started {running.course.step}")
    running.fit()
    note(folder, "finished 0")


def note(folder: Path, words: str) -> None:
    """One line in the diary, handed to the operating system at once, as a kill leaves no time."""
    with (folder / DIARY).open("a") as file:
        file.write(f"{words}\n")


def diary(folder: Path) -> list[tuple[str, int]]:
    """What was noted so far: ("started" | "saving" | "saved" | "held" | "finished", step)."""
    path = folder / DIARY
    lines = path.read_text().splitlines() if path.exists() else []
    return [(word, int(step)) for word, _, step in (line.partition(" ") for line in lines)]
