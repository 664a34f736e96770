"""The front door: help, unknown commands, and the one place where errors are printed."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from click import Context

import facezoo as package
from facezoo_cli.main import COMMANDS, cli
from support.distributions import facezoo
from support.fixtures import BROKEN

HEAVY = {"torch", "numpy", "pydantic", "rich", "PIL", "safetensors"}


def imported(*args: str) -> set[str]:
    """The top-level modules that `facezoo ARGS` imports, in a process of its own."""
    command = [sys.executable, "-X", "importtime", "-m", "facezoo_cli", *args]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return set(re.findall(r"\| +([a-zA-Z_]\w*)", done.stderr))


@pytest.mark.parametrize(
    "args", [["--help"], ["--version"], ["list-heads"], ["list-heads", "--json"], ["train", "--help"]]
)
def test_what_answers_at_once_imports_nothing_heavy(args):
    modules = imported(*args)
    assert "click" in modules  # the list is not empty
    assert modules & HEAVY == set()


@pytest.mark.parametrize("args", [["show-head", "cosface"], ["train", "--head", "cosface", "--dry-run"]])
def test_settings_are_shown_without_torch(args):
    modules = imported(*args)
    assert "pydantic" in modules
    assert modules & {"torch", "numpy", "rich"} == set()


def test_importing_the_library_imports_nothing_heavy():
    code = f"import sys, facezoo, facezoo.registry; sys.exit(bool({HEAVY!r} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_help_names_every_command_with_the_first_line_of_its_own_help(invoke):
    text = invoke("--help").stdout
    for name, line in COMMANDS.items():
        command = cli.get_command(Context(cli), name)
        assert command.name == name
        assert command.help.splitlines()[0] == line
        words = r"\s+".join(map(re.escape, line.split()))  # a long line goes on in the next
        assert re.search(rf"  {name} +{words}", text)


def test_version(invoke):
    assert invoke("--version").stdout == f"facezoo {package.__version__}\n"


def test_an_unknown_command_gets_a_suggestion(invoke):
    result = invoke("trian")
    assert result.exit_code == 2
    assert "no such command 'trian'; did you mean 'train'?" in result.stderr


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


def test_every_public_name_is_there():
    assert set(package.__all__) <= set(dir(package))
    for name in package.__all__:
        assert getattr(package, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = package.nothing
