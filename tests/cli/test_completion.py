"""What a shell that completes is told: commands, heads, presets, runs, and nothing of what is broken."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.shell_completion import ShellComplete

from facezoo_cli.completing import HEAD, MODEL, PRESET, Head
from facezoo_cli.main import cli
from support.distributions import Distribution
from support.fixtures import BROKEN, PLAIN, TWIN


def completed(line: str) -> set[str]:
    """What stands for the last word of a command line."""
    *before, last = [*shlex.split(line), *([""] if line.endswith(" ") else [])]
    shell = ShellComplete(cli, {}, "facezoo", "_FACEZOO_COMPLETE")
    return {item.value for item in shell.get_completions(before, last)}


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("tr", "train"),
        ("list he", "heads"),
        ("data ch", "check"),
        ("list --js", "--json"),
        ("completion f", "fish"),
        ("evaluate --benchmark lf", "lfw"),
        ("train --head cosface --preset norm", "normface"),
    ],
)
def test_commands_their_choices_and_options(line, found):
    assert completed(line) == {found}


def test_what_cannot_be_loaded_is_passed_over(with_installed):
    with_installed(Distribution("facezoo-aviary", {}, {"facezoo.commands": {"zoo": "of_yore:zoo"}}), BROKEN)
    assert completed("zoo ") == set()
    assert completed("zo") == {"zoo"}
    assert HEAD.shell_complete(click.Context(cli), cli.params[0], "absent@") == []


def values(kind: click.ParamType, incomplete: str, **given: object) -> list[str]:
    ctx = click.Context(cli)
    ctx.params.update(given)
    return [item.value for item in kind.shell_complete(ctx, cli.params[0], incomplete)]


def test_heads_and_their_presets(with_installed):
    with_installed(PLAIN)
    assert values(HEAD, "pl") == ["plain"]
    assert values(Head(presets=True), "plain@p") == ["plain@paper"]
    assert values(Head(presets=True, several=True), "x@y,plain@p") == ["x@y,plain@paper"]
    assert values(PRESET, "", head="plain") == ["paper"]
    assert values(PRESET, "", heads=("plain@paper", "absent")) == ["paper"]
    assert values(PRESET, "") == []


def test_what_two_offer_is_completed_with_its_distribution(with_installed):
    with_installed(PLAIN, TWIN)
    assert values(HEAD, "pl") == []
    assert values(HEAD, "facezoo-pl") == ["facezoo-plain:plain"]


def test_runs_are_found_here_and_where_runs_lie(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("runs/a", "runs/b", "elsewhere/c", "d"):
        Path(name).mkdir(parents=True)
        Path(name, "resolved.toml").touch()
    Path("runs/empty").mkdir()
    assert values(MODEL, "") == ["d", "runs/a", "runs/b", ""]
    assert values(MODEL, "elsewhere/") == ["elsewhere/c", "elsewhere/"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_lines_of_each_shell_ask_facezoo(invoke, shell):
    result = invoke("completion", shell)
    assert result.exit_code == 0
    assert f"_FACEZOO_COMPLETE={shell}_complete" in result.stdout


def test_python_m_facezoo_is_the_command_line():
    done = subprocess.run([sys.executable, "-m", "facezoo", "list", "--no"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Usage: facezoo list [OPTIONS]" in done.stderr
