"""Signals during training, in this process: heard once, between steps, and given back."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import pytest

from facezoo.runs.written import read_metrics
from facezoo.training import Interrupted, Trainer, latest_checkpoint
from facezoo.training.interrupt import signals_raise, stop_request
from support.faces import identity_folder
from support.stateful_head import run_settings


@pytest.fixture(autouse=True)
def _as_in_the_foreground():
    """The signals as a shell's foreground gives them: in a background job some are ignored from the start."""
    given = {signal.SIGINT: signal.default_int_handler}
    given |= dict.fromkeys((signal.SIGTERM, signal.SIGHUP), signal.SIG_DFL)
    before = {number: signal.signal(number, handler) for number, handler in given.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_the_first_signal_is_noted_and_the_second_acts():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with stop_request() as stop:
        assert stop.signal is None
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.signal == signal.SIGINT
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_a_terminal_that_goes_away_may_say_so_twice():
    with stop_request() as stop:
        os.kill(os.getpid(), signal.SIGHUP)
        os.kill(os.getpid(), signal.SIGHUP)
        assert stop.signal == signal.SIGHUP
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_DFL


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])  # `&` in a script, and nohup
def test_a_signal_that_is_ignored_stays_ignored(number: int):
    signal.signal(number, signal.SIG_IGN)
    with signals_raise(), stop_request() as stop:
        os.kill(os.getpid(), number)
        assert stop.signal is None


def test_outside_the_main_thread_nobody_listens():
    found = []

    def elsewhere() -> None:
        with stop_request() as stop, signals_raise():
            found.append((stop.signal, signal.getsignal(signal.SIGTERM)))

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert found == [(None, signal.getsignal(signal.SIGTERM))]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_signals_raise_with_the_code_that_a_shell_expects(number: int, code: int):
    with pytest.raises(Interrupted) as stopped, signals_raise():
        os.kill(os.getpid(), number)
    assert (stopped.value.signal, stopped.value.exit_code) == (number, code)


@pytest.mark.parametrize("at", [6, 8, 16])  # inside an epoch, at its end where it is saved anyway, at the end
def test_a_stop_ends_the_step_and_saves_it_once(tmp_path: Path, monkeypatch, at: int):
    trainer = Trainer(run_settings(identity_folder(tmp_path / "faces")), tmp_path)
    saves: list[int] = []
    save = trainer.saver.save
    monkeypatch.setattr(trainer.saver, "save", lambda: (saves.append(trainer.course.step), save())[1])

    def kill(**event: object) -> None:
        if event["step"] == at:
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(trainer.audience.observers, "step_end", kill)
    with pytest.raises(Interrupted):
        trainer.fit()
    assert trainer.course.step == at
    assert saves == [step for step in (8, 16) if step < at] + [at]
    assert latest_checkpoint(tmp_path).name == f"step-{at}"
    epochs = [line["epoch"] for line in read_metrics(tmp_path) if line.get("event") == "epoch"]
    assert epochs == list(range(1, at // 4 + 1))


def test_an_epoch_in_two_pieces_has_the_means_of_the_whole(tmp_path: Path):
    settings = run_settings(identity_folder(tmp_path / "faces"))
    found = []
    for name, stops in (("whole", [16]), ("pieces", [6, 7, 16])):
        (tmp_path / name).mkdir()
        trainer = Trainer(settings, tmp_path / name)
        for stop in stops:
            trainer.fit(until=stop)
        lines = [line for line in read_metrics(tmp_path / name) if line.get("event") == "epoch"]
        found.append([{key: line[key] for key in ("epoch", "loss", "terms", "lr")} for line in lines])
    assert found[0] == found[1]
