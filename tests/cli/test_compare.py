"""`facezoo compare`: what it refuses before anything is trained, and how it ends when it is told to."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from facezoo.comparison import running
from support.fixtures import PLAIN


@pytest.fixture(autouse=True)
def _plain(with_installed) -> None:
    with_installed(PLAIN)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--data", "facez", "--pairs", "pears.csv"], "facez: does not exist"),
        (["--data", ".", "--pairs", "none"], "no pairs to be compared on"),
        (["--heads", "plain,plane"], "did you mean 'plain'"),
        (["--baseline", "plane"], "baseline 'plane' is no row"),
        (["--figure", "no/f.png"], "there is no folder no"),
        (["recipe.toml"], "recipe.toml: cannot be read"),
    ],
)
def test_mistakes_are_told_before_anything_is_written(invoke, monkeypatch, tmp_path: Path, args, message):
    monkeypatch.chdir(tmp_path)
    result = invoke("compare", "--heads", "plain", *args)
    assert result.exit_code == 2, result.output
    assert message in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_it_ends_as_the_shell_expects(invoke, monkeypatch, tmp_path: Path, number: int, code: int):
    monkeypatch.setattr(running, "check_inputs", lambda _: None)
    monkeypatch.setattr(running, "run_cell", lambda *_: os.kill(os.getpid(), number))
    handler = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
    before = signal.signal(number, handler)
    try:
        result = invoke("compare", "--heads", "plain", "--pairs", "p.csv", "--out", str(tmp_path / "out"))
    finally:
        signal.signal(number, before)
    assert result.exit_code == code
    assert "Interrupted. The same command goes on." in result.stderr
    assert list(tmp_path.iterdir()) == []
