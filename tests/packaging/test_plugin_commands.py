"""The commands that distributions below plugins/ offer: their help, and what it imports."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest

from facezoo.registry import installed_plugins
from facezoo.registry.entries import COMMANDS
from facezoo_cli.commands import load_command
from facezoo_cli.main import cli
from support.distributions import plugins_offering

PLUGINS = {f"facezoo-{name}" for name in plugins_offering(COMMANDS)}
OFFERED = [entry for entry in installed_plugins(COMMANDS) if entry.dist in PLUGINS]
HEAVY = {"torch", "numpy", "pydantic", "rich", "PIL", "safetensors", "matplotlib"}


def test_each_distribution_of_commands_is_installed():
    assert {entry.dist for entry in OFFERED} == PLUGINS != set()


@pytest.mark.parametrize("entry", OFFERED, ids=lambda entry: entry.name)
def test_a_command_is_called_as_its_entry(entry):
    assert load_command(click.Context(cli), entry.name).name == entry.name.rpartition(".")[2]


def test_their_help_imports_nothing_heavy():
    ask = (
        "from click.testing import CliRunner; from facezoo_cli.main import cli; import sys\n"
        f"for words in {[entry.name.split('.') for entry in OFFERED]!r}:\n"
        "    result = CliRunner().invoke(cli, [*words, '--help'])\n"
        "    assert result.exit_code == 0, result.output\n"
        f"    assert not {HEAVY!r} & set(sys.modules), words"
    )
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
