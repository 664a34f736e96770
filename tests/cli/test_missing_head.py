"""A checkpoint whose head is not installed: what still works, and what the rest says."""

from __future__ import annotations

import platform
import sys
from pathlib import Path

import pytest

from facezoo.training import train
from support.faces import identity_folder, pairs_csv
from support.stateful_head import run_settings


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `faces`, and with `run`: of a head that no installed distribution offers."""
    home = tmp_path_factory.mktemp("orphan")
    data = identity_folder(home / "faces")
    pairs_csv(data)
    train(run_settings(data), home / "run")
    return home


@pytest.fixture(scope="module")
def missing(home: Path) -> str:
    """What is said of it."""
    came = "its head 'stateful' came with facezoo-tests 1.0"
    python = f"Python {platform.python_version()}, {sys.executable}"
    return f"{home / 'run' / 'checkpoints' / 'step-16'}: {came}, and is not installed for {python}"


def test_what_needs_the_head_names_its_distribution_and_the_interpreter(invoke, home: Path, missing: str):
    for args in (
        ["train", "--resume", str(home / "run")],
        ["evaluate", str(home / "run"), "--protocol", "uniform", "--data", str(home / "faces")],
    ):
        result = invoke(*args)
        assert (result.exit_code, result.stdout) == (2, "")
        message, hint = result.stderr.splitlines()
        assert message == f"Error: {missing}"
        assert hint.startswith("Hint: Install it there, or use the environment that trained it.")


def test_what_needs_no_head_works(invoke, home: Path, missing: str):
    run = str(home / "run")
    shown = invoke("show-checkpoint", run)
    assert "  head          stateful of facezoo-tests 1.0, revision 1\n" in shown.stdout
    evaluated = invoke("evaluate", run, "--replicates", "2")
    assert evaluated.exit_code == 0
    said = "whether the head has a threshold of its own is not known: "
    assert evaluated.stdout.splitlines()[-1] == said + missing
    embedded = invoke("embed", run, str(home / "faces"), "-o", str(home / "e.npz"))
    assert embedded.exit_code == 0, embedded.stderr


def test_before_the_first_checkpoint_the_name_and_the_interpreter_are_known(
    invoke, home: Path, tmp_path: Path
):
    (tmp_path / "resolved.toml").write_bytes((home / "run" / "resolved.toml").read_bytes())
    result = invoke("train", "--resume", str(tmp_path))
    assert result.exit_code == 2
    message, hint = result.stderr.splitlines()
    assert message == "Error: unknown head 'stateful'"
    assert hint.startswith(f"Hint: Installed for Python {platform.python_version()}, {sys.executable}: ")
