"""What commands print: nothing that a terminal would obey, in whatever encoding the stream has."""

from __future__ import annotations

import codecs
import sys
from typing import IO, Any, Final

import click

from facezoo._words import UNPRINTABLE, printable_lines

ESCAPE: Final = "facezoo.escape"
"""The handler of what a stream's encoding lacks: `θ` becomes `\\u03b8`, which JSON reads."""


def say(
    text: str = "",
    *,
    mark: str = "",
    colour: str | None = None,
    err: bool = False,
    nl: bool = True,
    file: IO[Any] | None = None,
) -> None:
    """Print lines in which names from outside may stand: control characters are escaped, line ends stay.

    `mark` stands before them as it is, in bold where it has a `colour`.
    """
    styled = click.style(mark, fg=colour, bold=True) if colour else mark
    click.echo(styled + printable_lines(text), err=err, nl=nl, file=file)


def say_json(content: object, indent: int | None = 2) -> None:
    """Print `content` as JSON, in which what a terminal would obey is escaped as JSON does it."""
    import json  # three milliseconds, paid by those who print it

    text = json.dumps(content, indent=indent, ensure_ascii=False)
    click.echo(UNPRINTABLE.sub(lambda found: found[0] if found[0] == "\n" else _escaped(found[0]), text))


def survive_any_encoding() -> None:
    """Have standard output and error escape what their encoding lacks: a `θ` must not end a command."""
    codecs.register_error(ESCAPE, _escape)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=ESCAPE)


def _escape(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_escaped, error.object[error.start : error.end])), error.end


def _escaped(character: str) -> str:
    """As JSON reads it, in one escape of four digits or in two."""
    pair = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{pair[place : place + 4]}" for place in range(0, len(pair), 4))
