"""The help of every command: one layout, one set of words, and narrow enough for a narrow terminal."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click
import pytest

from facezoo_cli.main import cli
from support.pages import ROOT

WIDTH = 60


def all_commands() -> Iterator[tuple[str, click.Command, click.Context]]:
    """Every command there is, those in groups too, by what is typed."""
    root = cli.context_class(cli, info_name="facezoo", terminal_width=WIDTH)
    waiting: list[tuple[str, click.Command, click.Context]] = [("facezoo", cli, root)]
    for name, command, ctx in waiting:
        yield name, command, ctx
        if isinstance(command, click.Group):
            for word in command.list_commands(ctx):
                inner = command.get_command(ctx, word)
                context = inner.context_class(inner, info_name=word, parent=ctx, terminal_width=WIDTH)
                waiting.append((f"{name} {word}", inner, context))


COMMANDS = list(all_commands())
every_command = pytest.mark.parametrize(
    ("name", "command", "ctx"), COMMANDS, ids=[name for name, _, _ in COMMANDS]
)


@every_command
def test_help_fits_a_narrow_terminal_and_breaks_no_word(name, command, ctx):
    text = command.get_help(ctx)
    assert max(map(len, text.splitlines())) <= WIDTH
    assert "..." not in re.sub(r"[\],A-Z]\.\.\.", "", text)  # what repeats, as in NAME..., is no cut
    words = set(text.split())
    said = [command.help or "", *(getattr(option, "help", "") or "" for option in command.params)]
    whole = " ".join(said).replace("\b", " ").split()
    assert [word for word in whole if word not in words] == []


TABLE = re.findall(
    r"^\| (`[A-Z].*?`) \|", (ROOT / "docs" / "commands.md").read_text(encoding="utf-8"), re.MULTILINE
)
WORDS = set(re.findall("[A-Z]+", " ".join(TABLE)))
"""What help calls the values of options and arguments, as the page on commands has it."""
NO_REPORT = {"facezoo completion"}


def words_of(parameter: click.Parameter, ctx: click.Context) -> set[str]:
    """The words that stand for its value; none where the choices do, or it has no value."""
    if isinstance(parameter.type, click.Choice) and not parameter.metavar:
        return set()
    shown = "" if getattr(parameter, "is_flag", False) else parameter.make_metavar(ctx)
    return set(re.findall("[A-Z]+", shown))


@every_command
def test_options_are_told_in_sentences_and_in_the_same_words(name, command, ctx):
    for parameter in command.params:
        assert words_of(parameter, ctx) <= WORDS, parameter.name
        if isinstance(parameter, click.Option):
            assert re.fullmatch(r"[A-Z].*\.", parameter.help or "", re.DOTALL), parameter.opts
    options = {flag for parameter in command.params for flag in parameter.opts}
    assert "--traceback" in options
    assert ("--out" in options) == ("-o" in options)
    assert "--json" in options or isinstance(command, click.Group) or name in NO_REPORT


def test_no_word_is_explained_that_help_does_not_use():
    used = [words_of(parameter, ctx) for _, command, ctx in COMMANDS for parameter in command.params]
    assert set().union(*used) == WORDS


def test_words_are_kept_whole_and_hyphens_as_they_are():
    @click.command(context_settings={"terminal_width": 30})
    @click.option("--an", metavar="A-B", help="Twenty-one letters --init-from here.")
    def command() -> None:
        """Take it from --init-from, and so-on."""

    command.context_class = cli.context_class
    text = command.get_help(command.make_context("so", [], resilient_parsing=True))
    assert text.isascii()
    assert {"--init-from", "so-on.", "Twenty-one"} <= set(text.split())
