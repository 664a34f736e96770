"""What every command has: help whose lines break between words only, and `--traceback`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import click

HYPHEN: Final = "\N{NON-BREAKING HYPHEN}"
"""Stands for every hyphen while lines are broken."""
COLUMN: Final = 22
"""The widest first column of a table; what is longer has a line of its own."""


class Formatter(click.HelpFormatter):
    """click's, without breaks behind the hyphens of words."""

    def write(self, string: str) -> None:
        """Write what was laid out."""
        super().write(string.replace(HYPHEN, "-"))

    def write_text(self, text: str) -> None:
        """Write a paragraph, broken into lines."""
        super().write_text(text.replace("-", HYPHEN))

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        """Write the line that begins with "Usage:"."""
        super().write_usage(prog.replace("-", HYPHEN), args.replace("-", HYPHEN), prefix)

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = COLUMN, col_spacing: int = 2) -> None:
        """Write a table of terms and what they mean."""
        kept = [(term.replace("-", HYPHEN), text.replace("-", HYPHEN)) for term, text in rows]
        super().write_dl(kept, min(col_max, COLUMN), col_spacing)


class Context(click.Context):
    """A command's context, whose help is laid out so."""

    formatter_class = Formatter


def dress(command: click.Command) -> None:
    """Give a command, and each that it holds, what all have: `--traceback`, and help of one layout."""
    if command.context_class is click.Context:
        command.context_class = Context
    if not any(parameter.name == "traceback" for parameter in command.params):
        command.params.append(traceback_option())
    for inner in command.commands.values() if isinstance(command, click.Group) else []:
        dress(inner)


def traceback_option() -> click.Option:
    """`--traceback`, which is remembered for the end of the command."""
    return click.Option(
        ["--traceback"],
        is_flag=True,
        expose_value=False,
        callback=_remember,
        help="Show where an error arose.",
    )


def _remember(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        ctx.meta["traceback"] = True  # the mapping is shared between a command and its group
