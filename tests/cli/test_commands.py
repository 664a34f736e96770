"""Commands as entry points: facezoo's own and everybody's, found without an import and contained."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import click
import pytest

from facezoo.registry import installed_plugins
from facezoo.registry.entries import COMMANDS, OWN
from facezoo_cli.commands import load_command
from facezoo_cli.lines import LINES as LINES_OF
from facezoo_cli.main import cli
from support.distributions import Distribution
from support.fixtures import PLAIN

FEED = """
import sys

import click

from facezoo import FacezooError


@click.command()
@click.option("--how")
def feed(how):
    '''Feed it.'''
    if how == "badly":
        raise FacezooError("it does not eat", "Try again.")
    if how == "exit":
        sys.exit(3)
    if how == "large":
        raise type("OutOfMemoryError", (RuntimeError,), {})("tried to allocate 3 GiB")
    if how:
        raise KeyError(how)
    click.echo("fed")


@click.group()
def house():
    '''A house.'''


house.add_command(feed, "inside")
number = 3
"""
ZOO = Distribution(
    "facezoo-zoo",
    {"fixture_zoo": FEED},
    {
        COMMANDS: {
            "feed": "fixture_zoo:feed",
            "animal.feed": "fixture_zoo:feed",
            "house": "fixture_zoo:house",
            "house.feed": "fixture_zoo:feed",
            "data.feed": "fixture_zoo:feed",
            "number": "fixture_zoo:number",
            "nowhere": "fixture_nowhere:feed",
            "train": "fixture_zoo:feed",
            "train.feed": "fixture_zoo:feed",
        }
    },
    summary="Look after animals.",
)
RIVAL = Distribution("facezoo-rival", {}, {COMMANDS: {"data.feed": "fixture_zoo:feed", "solo": "a:b"}})
FUTURE = Distribution("facezoo-later", {}, {COMMANDS: {"later": "a:b"}}, requires=("facezoo>=9",))


LINES = LINES_OF[COMMANDS]


def own() -> set[str]:
    return {entry.name for entry in installed_plugins(COMMANDS) if entry.dist == OWN}


def test_facezoos_own_are_entry_points_whose_lines_are_those_of_one_table():
    assert own() == LINES.keys()
    for name, line in LINES.items():
        command = load_command(click.Context(cli), name)
        assert command.name == name.rpartition(".")[2]
        assert command.help.splitlines()[0] == line


def test_help_names_every_command_and_what_it_is_for(invoke):
    text = invoke("--help").stdout
    for name, line in LINES.items():
        words = r"\s+".join(map(re.escape, line.split()))  # a long line goes on in the next
        assert bool(re.search(rf"  {name} +{words}", text)) == ("." not in name)


def test_help_has_a_line_per_distribution_of_others_and_names_what_is_of_no_use(with_installed, invoke):
    with_installed(ZOO, RIVAL, FUTURE)
    text = re.sub(r"\s+", " ", invoke("--help").stdout)
    theirs = text.partition("Commands of other distributions: ")[2]
    assert "animal, feed, house, nowhere, number, facezoo-zoo:train Look after animals." in theirs
    assert "solo Made for a test" in theirs
    assert "facezoo-later:later (incompatible). See `facezoo doctor`." in text


@pytest.mark.parametrize(
    "words",
    ["feed", "animal feed", "house feed", "house inside", "data facezoo-zoo:feed", "facezoo-zoo:data.feed",
     "facezoo-zoo:train"],
)  # fmt: skip
def test_a_command_and_a_command_below_another_run(with_installed, invoke, words):
    with_installed(ZOO, RIVAL)
    result = invoke(*words.split())
    assert (result.exit_code, result.stdout, result.stderr) == (0, "fed\n", "")


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("fead", "no such command 'fead'; did you mean 'feed'?"),
        ("animal fed", "no such command 'fed'; did you mean 'feed'?"),
        ("animal.feed", "no such command 'animal.feed'"),
        ("animal number", "no such command 'number'"),
        ("data feed", "Error: command 'data.feed' is offered by facezoo-rival 1.0 and facezoo-zoo 1.0\n"),
        (
            "number",
            "Error: command 'number' of facezoo-zoo 1.0 names a int (fixture_zoo:number)",
        ),
        ("nowhere", "Error: command 'nowhere' of facezoo-zoo 1.0 cannot be imported: ModuleNotFoundError"),
        ("later", "Error: command 'later' of facezoo-later 1.0: requires facezoo >=9"),
        ("solo", "Error: command 'solo' of facezoo-rival 1.0: switched off by FACEZOO_DISABLE=solo"),
        ("feed --how badly", "Error: it does not eat\nHint: Try again.\n"),
        ("house inside --how well", "Error: command 'house' of facezoo-zoo 1.0 fails: KeyError: 'well'\n"),
        ("house feed --how well", "Error: command 'house.feed' of facezoo-zoo 1.0 fails: KeyError: 'well'\n"),
        (
            "feed --how large",
            "Error: the device is out of memory: OutOfMemoryError: tried to allocate 3 GiB\n",
        ),
        ("train feed", "Error: feed: cannot be read: No such file"),
    ],
)
def test_what_cannot_run_is_named_with_its_owner(with_installed, invoke, monkeypatch, words, error):
    with_installed(ZOO, RIVAL, FUTURE)
    monkeypatch.setenv("FACEZOO_DISABLE", "solo")
    result = invoke(*words.split())
    assert (result.exit_code, result.stdout) == (2, "")
    assert error in result.stderr
    assert "Traceback" not in result.stderr


def test_a_command_ends_with_the_code_that_it_gives(with_installed, invoke):
    with_installed(ZOO)
    assert invoke("feed", "--how", "exit").exit_code == 3


@pytest.mark.parametrize("words", ["feed --how well --traceback", "house inside --traceback --how well"])
def test_traceback_stands_behind_every_command(with_installed, invoke, words):
    with_installed(ZOO)
    assert "raise KeyError(how)" in invoke(*words.split()).stderr


def test_a_group_of_facezoos_own_without_commands_says_where_they_come_from(invoke, monkeypatch):
    monkeypatch.setenv(
        "FACEZOO_DISABLE", ",".join(e.name for e in installed_plugins(COMMANDS) if "." in e.name)
    )
    assert "each comes with a distribution" in re.sub(r"\s+", " ", invoke("data", "--help").stdout)


COUNT = """
import collections, sys

opened = collections.Counter()
sys.addaudithook(lambda event, args: event == "open" and opened.update([str(args[0])]))
from facezoo_cli.main import main
try:
    main()
finally:
    times = {number for name, number in opened.items() if "plain-1.0.dist-info" in name}
    print(*times, "importlib.metadata" in sys.modules, file=sys.stderr)
"""


@pytest.mark.parametrize("words", ["--help", "list", "train --help"])
def test_metadata_of_a_distribution_is_opened_once_and_without_importlib(installed, monkeypatch, words):
    path = os.pathsep.join([str(installed(PLAIN)), os.environ.get("PYTHONPATH", "")])
    monkeypatch.setenv("PYTHONPATH", path)
    done = subprocess.run([sys.executable, "-c", COUNT, *words.split()], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "1 False\n")
