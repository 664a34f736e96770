"""The front door: help, unknown commands, and the one place where errors are printed."""

from __future__ import annotations

import re

import pytest

import facezoo as package
from support.distributions import facezoo
from support.fixtures import BROKEN


@pytest.mark.parametrize("command", ["evaluate", "show-checkpoint", "new-head", "data check", "embed"])
def test_a_name_that_no_file_system_holds_is_one_sentence(tmp_path, invoke, command: str):
    rest = {"embed": [str(tmp_path), "-o", str(tmp_path / "e.npz")]}.get(command, [])
    result = invoke(*command.split(), "x" * 300, *rest)
    assert result.exit_code == 2
    assert re.match(r"Error: .*x(\.\.\.)?: (file name too long|does not exist)", result.stderr)


def test_version(invoke):
    assert invoke("--version").stdout == f"facezoo {package.__version__}\n"


def test_an_unknown_command_gets_a_suggestion(invoke):
    result = invoke("trian")
    assert result.exit_code == 2
    assert "no such command 'trian'; did you mean 'train'?" in result.stderr


@pytest.mark.parametrize(("words", "group"), [("xyzzy", "facezoo"), ("data xyzzy", "facezoo data")])
def test_a_command_that_is_not_installed_is_said_to_come_with_a_distribution(invoke, words, group):
    result = invoke(*words.split())
    assert (result.exit_code, result.stdout) == (2, "")
    message, hint = result.stderr.splitlines()
    assert message == "Error: no such command 'xyzzy'"
    more = "`pip install facezoo-all` brings all of facezoo's own."
    assert hint == f"Hint: `{group} --help` lists those that are installed; {more}"


def test_an_error_is_message_and_hint_on_stderr_with_exit_code_2(with_installed, invoke):
    with_installed(BROKEN)
    result = invoke("show-head", "absent")
    assert (result.exit_code, result.stdout) == (2, "")
    message, hint = result.stderr.splitlines()
    assert message.startswith(
        "Error: head 'absent' of facezoo-broken 1.0 cannot be imported: ModuleNotFoundError"
    )
    assert hint.startswith("Hint: Repair or uninstall facezoo-broken")


@pytest.mark.parametrize(
    "args", [["--traceback", "show-head", "absent"], ["show-head", "absent", "--traceback"]]
)
def test_traceback_shows_where_it_arose(with_installed, invoke, args):
    with_installed(BROKEN)
    result = invoke(*args)
    assert result.exit_code == 2
    assert "Traceback (most recent call last)" in result.stderr
    assert "fixture_absent.py" in result.stderr
    assert "Error: head 'absent'" in result.stderr


def test_a_process_of_its_own_behaves_the_same(installed):
    done = facezoo("show-head", "absent", sites=(installed(BROKEN),))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: head 'absent'")
    assert "Traceback" not in done.stderr
