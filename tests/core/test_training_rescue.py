"""What goes wrong outside of the steps of a run costs none of them."""

from __future__ import annotations

import errno
import os
import signal
import sys
from pathlib import Path

import pytest
import torch
from rich.console import Console

from facezoo import FacezooError
from facezoo.data.store import MemoryStore
from facezoo.hooks import Observers
from facezoo.runs.metrics import MetricsLog
from facezoo.runs.written import read_metrics
from facezoo.settings import RunSettings
from facezoo.training import Interrupted, Trainer, latest_checkpoint
from facezoo.training.report import Report
from support.faces import identity_folder
from support.stateful_head import run_settings


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> RunSettings:
    return run_settings(identity_folder(tmp_path_factory.mktemp("faces")), evaluate={"pairs": "none"})


def after(calls: int, function, problem: BaseException):
    """`function`, until it has been called so often; then it raises."""
    count = iter(range(calls))

    def called(*args: object, **kwargs: object) -> object:
        if next(count, None) is None:
            raise problem
        return function(*args, **kwargs)

    return called


def test_an_image_that_is_gone_costs_no_step(settings, tmp_path: Path, monkeypatch):
    gone = FacezooError("person 0/3.png: cannot be read", "Mend it.")
    monkeypatch.setattr(MemoryStore, "fetch", after(5, MemoryStore.fetch, gone))
    with pytest.raises(FacezooError, match="person 0") as error:
        Trainer(settings, tmp_path).fit()
    assert error.value.hint.startswith("Mend it. The last good checkpoint is ")
    last = latest_checkpoint(tmp_path)
    assert last.name == f"step-{read_metrics(tmp_path)[-1]['step']}" == "step-5"


def test_a_full_disk_at_metrics_costs_no_step(settings, tmp_path: Path, monkeypatch):
    full = FacezooError("metrics.jsonl: cannot be written (No space left)", "Free some space.")
    monkeypatch.setattr(MetricsLog, "write", after(2, MetricsLog.write, full))
    with pytest.raises(FacezooError, match="No space left") as error:
        Trainer(settings, tmp_path).fit()
    assert str(latest_checkpoint(tmp_path)) in error.value.hint
    assert latest_checkpoint(tmp_path).name == "step-3"


def test_what_is_no_mistake_of_the_user_saves_too_and_is_raised_as_it_is(settings, tmp_path, monkeypatch):
    monkeypatch.setattr(Observers, "step_end", after(2, Observers.step_end, MemoryError()))
    with pytest.raises(MemoryError):
        Trainer(settings, tmp_path).fit()
    assert latest_checkpoint(tmp_path).name == "step-3"


def test_half_a_step_is_not_saved(settings, tmp_path: Path, monkeypatch):
    trainer = Trainer(settings, tmp_path)
    step = trainer.parts.optimizer.step
    monkeypatch.setattr(trainer.parts.optimizer, "step", after(2, step, RuntimeError("out of memory")))
    with pytest.raises(RuntimeError):
        trainer.fit()
    assert latest_checkpoint(tmp_path) is None


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda *_: 1 / 0, "ZeroDivisionError"),
        (lambda *_: sys.exit(3), "SystemExit"),
        (lambda *_: torch.ones(3, requires_grad=True), "stateful"),
    ],
)
def test_a_head_that_fails_is_one_sentence_and_the_last_checkpoint_stays(
    settings, tmp_path: Path, wrong, says
):
    trainer = Trainer(settings, tmp_path)
    trainer.saver.save()
    trainer.parts.loss.head.loss = wrong
    with pytest.raises(FacezooError, match="head 'stateful'") as error:
        trainer.fit()
    assert says in error.value.message
    assert "\n" not in error.value.message
    assert f"The last good checkpoint is {latest_checkpoint(tmp_path)}." in error.value.hint
    assert latest_checkpoint(tmp_path).name == "step-0"


def test_a_disk_that_loses_the_figures_still_gets_the_checkpoint(settings, tmp_path: Path, monkeypatch):
    trainer = Trainer(settings, tmp_path)
    trainer.fit(until=1)
    monkeypatch.setattr(
        trainer.audience.log, "sync", after(0, None, FacezooError("metrics.jsonl: cannot be written"))
    )
    with pytest.raises(FacezooError, match="metrics"):
        trainer.saver.save()
    assert latest_checkpoint(tmp_path).name == "step-1"


class Gone:
    """Standard output whose reader, or terminal, or disk is gone after so many lines."""

    encoding = "utf-8"

    def __init__(self, lines: int, number: int) -> None:
        self.lines, self.number, self.text = lines, number, ""

    def write(self, text: str) -> int:
        if not self.lines:
            raise OSError(self.number, os.strerror(self.number))  # EPIPE makes it BrokenPipeError
        self.lines -= 1
        self.text += text
        return len(text)

    def flush(self) -> None:
        pass


def test_a_closed_pipe_saves_like_sigterm(settings, tmp_path: Path):
    trainer = Trainer(settings, tmp_path, Console(file=Gone(0, errno.EPIPE), width=200))
    with pytest.raises(Interrupted) as stopped:
        trainer.fit()
    assert (stopped.value.signal, stopped.value.exit_code) == (signal.SIGPIPE, 141)
    assert latest_checkpoint(tmp_path).name == "step-4"  # the first that it had to say


def test_a_pipe_that_was_closed_before_the_first_step_saves_there(settings, tmp_path: Path):
    trainer = Trainer(settings, tmp_path, Console(file=Gone(0, errno.EPIPE)))
    trainer.audience.report.line("introduction")
    with pytest.raises(Interrupted):
        trainer.fit()
    assert latest_checkpoint(tmp_path).name == "step-0"


def test_without_its_terminal_a_run_goes_on_in_silence(settings, tmp_path: Path):
    trainer = Trainer(settings, tmp_path, Console(file=Gone(0, errno.EIO), width=200))
    with pytest.warns(RuntimeWarning, match=r"output can no longer be written .* goes on without it"):
        trainer.fit(until=5)
    assert trainer.course.step == 5


def test_rich_that_would_end_the_process_does_not(monkeypatch):
    console = Console(file=Gone(0, errno.EPIPE))
    monkeypatch.setattr(console, "on_broken_pipe", lambda: sys.exit(1))
    report = Report(console, 1, 1)
    report.line("heard by nobody")
    assert report.closed
    asked: list[int] = []
    report.when_closed(asked.append)
    assert asked == [signal.SIGPIPE]
