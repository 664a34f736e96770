"""SIGKILL to a training process, again and again, also inside saves: nothing that was saved is lost."""

from __future__ import annotations

import itertools
import multiprocessing
import random
import signal
import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
import torch

from facezoo.runs.verified import read_part
from facezoo.runs.written import read_metrics
from facezoo.training import Trainer, latest_checkpoint
from support.faces import identity_folder
from support.killable import diary, run, settings_of
from support.patience import HANG, wait_for

SLOWNESS = 0.004  # seconds of a sync; with some ten a save takes longer than the epoch before it
SYNCS = 20  # after its first save a process stops within so many, to be killed: no run ends before it is

pytestmark = pytest.mark.skipif(
    "forkserver" not in multiprocessing.get_all_start_methods(), reason="there is no SIGKILL here"
)


def kill_once(start: Callable[[int], BaseProcess], folder: Path, chance: random.Random) -> None:
    """Let a process get as far as a save of its own, kill it inside a later one, before a sync to the disk,
    or at any moment until then.
    """
    before = len(diary(folder))
    process = start(chance.randint(1, SYNCS))
    wanted = chance.choice(["held", "saved"])
    wait_for(lambda: wanted in [word for word, _ in diary(folder)[before:]], process.is_alive)
    time.sleep(chance.uniform(0, 0.05) if wanted == "saved" else 0)
    process.kill()
    process.join()
    assert process.exitcode == -signal.SIGKILL


def check_starts(folder: Path) -> int:
    """Every start after the first is at a step > 0, not before the last save that was completed; returns how
    many kills fell inside a save.
    """
    completed = inside = 0
    words = [(word, step) for word, step in diary(folder) if word != "held"]
    for (word_before, _), (word, step) in itertools.pairwise([("", 0), *words]):
        if word == "started" and word_before:
            assert step >= completed > 0
            inside += word_before == "saving"
        if word == "saved":
            completed = step
    return inside


@pytest.mark.parametrize(
    ("kills", "epochs", "optimizer"),
    [
        pytest.param(3, 20, "sgd", marks=pytest.mark.slow),
        pytest.param(24, 160, "sgd", marks=pytest.mark.soak),
        pytest.param(24, 160, "adamw", marks=pytest.mark.soak),
    ],
)
def test_a_run_that_is_killed_again_and_again_ends_with_the_same_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kills: int, epochs: int, optimizer: str
):
    # the server that processes are forked from finds `support` by it
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    data, folder = identity_folder(tmp_path / "faces"), tmp_path / "run"
    folder.mkdir()
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["support.killable"])  # torch is imported once, not by every process

    def start(hold: int = 0) -> BaseProcess:
        how = (str(data), str(folder), optimizer, epochs, SLOWNESS, hold)
        process = context.Process(target=run, args=how)
        process.start()
        return process

    chance = random.Random(kills)
    for _ in range(kills):
        kill_once(start, folder, chance)
    last = start()
    last.join(HANG)
    assert last.exitcode == 0
    assert diary(folder)[-1][0] == "finished"
    assert [word for word, _ in diary(folder)].count("started") == kills + 1
    assert check_starts(folder) >= kills // 6

    whole = Trainer(settings_of(data, optimizer, epochs), tmp_path)
    whole.fit()
    end = latest_checkpoint(folder)
    for part, module in (("model", whole.parts.backbone), ("head", whole.parts.loss)):
        found, expected = read_part(end, part), module.state_dict()
        assert found.keys() == expected.keys()
        assert [name for name in found if not torch.equal(found[name], expected[name])] == []
    steps = [line["step"] for line in read_metrics(folder) if "event" not in line]
    assert steps == list(range(1, 4 * epochs + 1))
