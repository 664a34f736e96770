"""What commands print: nothing that a terminal obeys, in any encoding, and JSON that stays JSON."""

from __future__ import annotations

import io
import json
import re
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

import facezoo_cli
from facezoo.training.report import Report
from facezoo_cli.main import cli
from facezoo_cli.output import say, say_json
from support.distributions import Distribution
from support.fixtures import PLAIN

RAISING = "raise ValueError('\\x1b]0;owned\\x07 \\ud800 \\u202e')"
HOSTILE = Distribution(
    "facezoo-hostile",
    {"fixture_hostile": RAISING},
    {
        "facezoo.heads": {"hostile": "fixture_hostile:spec", "\x1b[31mred": "m:s", "a\rb": "m:s"},
        "facezoo.backbones": {"bad\x9b2J": "m:s"},
    },
    summary="gpj\u202egnp\x08\x1b[2J",
)
OBEYED = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\ud800-\udfff]")


@pytest.fixture
def hostile(with_installed: Callable[..., None]) -> None:
    with_installed(HOSTILE, PLAIN)


@pytest.mark.parametrize(
    "args",
    [
        ["list-heads"],
        ["list-heads", "--json"],
        ["show-head", "hostile"],
        ["show-head", "\x1b[31mred"],
        ["--traceback", "show-head", "hostile"],
        ["train", "--head", "plain", "--set", "head.margin=\x1b[2J", "--dry-run"],
        ["train", "--head", "plain", "--data", "a\x1b[2J", "--dry-run"],
        ["show-checkpoint", "a\x1b[2J"],
        ["new-head", "\x1b[2J"],
        ["\x1b[2J"],
        ["--\x1b[2J"],
    ],
)
def test_nothing_that_a_terminal_obeys_is_printed(hostile, invoke, args):
    result = invoke(*args)
    assert not isinstance(result.exception, Exception), result.exception
    assert OBEYED.findall(result.output.replace("\n", "")) == []
    assert result.output


def test_the_intruders_name_is_still_to_be_read(hostile, invoke):
    listed = invoke("list-heads").stdout
    assert re.search(r"^\\x1b\[31mred +broken", listed, re.MULTILINE)
    assert r"gpj\u202egnp\x08\x1b[2J" in listed
    assert {row["name"] for row in json.loads(invoke("list-heads", "--json").stdout)} >= {
        "plain",
        r"\x1b[31mred",
    }


Printed = Callable[[Callable[[], object]], str]


@pytest.fixture(params=["ascii", "cp1252", "utf-8"])
def printed(request: pytest.FixtureRequest) -> Printed:
    """What a call prints where the streams have another encoding, as `PYTHONIOENCODING` may ask for."""

    def by(call: Callable[[], object]) -> str:
        stream = io.TextIOWrapper(io.BytesIO(), encoding=request.param)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "stdout", stream)
            patch.setattr(sys, "stderr", stream)
            call()
        stream.flush()
        # click takes a stream that says ASCII for one that was set up badly, and writes UTF-8 there
        return stream.buffer.getvalue().decode("utf-8" if request.param == "ascii" else request.param)

    return by


def command(*args: str) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(args, prog_name="facezoo")
    assert caught.value.code == 0


def test_a_letter_that_the_encoding_lacks_ends_no_command(printed):
    assert re.search(r"cos\(m1 (θ|\\u03b8) \+ m2\)", printed(lambda: command("show-head", "arcface")))


def test_json_is_the_same_in_every_encoding(printed):
    rows = json.loads(printed(lambda: command("list-heads", "--json")))
    (arcface,) = (row for row in rows if row["name"] == "arcface")
    assert "cos(m1 θ + m2)" in arcface["summary"]


def test_rich_writes_to_the_same_streams(printed):
    def run() -> None:
        command("--version")
        Console().print("θ, κ", markup=False)

    assert re.search(r"(θ|\\u03b8), (κ|\\u03ba)", printed(run))


def test_a_run_says_names_as_they_are():
    console = Console(file=io.StringIO(), width=200)
    Report(console, 1, 1).line("faces/:key: [red]\x1b[2J")
    assert console.file.getvalue() == "faces/:key: [red]\\x1b[2J\n"


@given(st.text(st.characters(exclude_categories=())))
def test_json_comes_back_as_it_was(text):
    with CliRunner().isolation() as (out, *_):
        say_json({text: [text]})
        sys.stdout.flush()
        written = out.getvalue().decode("utf-8")
    assert json.loads(written) == {text: [text]}
    assert OBEYED.findall(written) == []


def test_marks_are_styled_and_names_are_not(capsys):
    say("a\x1b[2Jb\nc", mark="! ", colour="red")
    assert capsys.readouterr().out == "! a\\x1b[2Jb\nc\n"


def test_a_warning_is_one_harmless_line(invoke, monkeypatch):
    def listing(group: str) -> list[object]:
        warnings.warn("from \x1b[2J outside", stacklevel=1)
        return []

    monkeypatch.setattr("facezoo_cli.list.described", listing)
    assert invoke("list-heads").stderr == "Warning: from \\x1b[2J outside\n"


def test_every_command_prints_through_this_door():
    for path in Path(facezoo_cli.__file__).parent.glob("*.py"):
        if path.name != "output.py":
            assert not re.search(r"click\.(echo|secho)|\bprint\(", path.read_text(encoding="utf-8")), (
                path.name
            )
