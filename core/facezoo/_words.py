"""The wording that several error messages share."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from typing import Final

UNPRINTABLE: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f"  # control characters: they move a terminal's cursor, or do worse
    "\u2028\u2029\u202a-\u202e\u2066-\u2069"  # new lines, and what turns the order of letters about
    "\ud800-\udfff]"  # bytes of a name that are no UTF-8, and what no encoding can write
)
"""Characters that are not shown as they are."""


def printable(text: str) -> str:
    r"""`text` as one line that can be shown and written as UTF-8: control characters, changes of direction
    and bytes that are no UTF-8 are escaped, as in `caf\xe9`.
    """
    return text if text.isprintable() else UNPRINTABLE.sub(_escaped, text)


def printable_lines(text: str) -> str:
    """`printable`, but for the text's own line ends."""
    return "\n".join(map(printable, text.split("\n")))


def _escaped(found: re.Match[str]) -> str:
    code = ord(found[0])
    byte_of_a_name = 0xDC80 <= code <= 0xDCFF  # as the file system's encoding keeps what it cannot decode
    return chr(code - 0xDC00 if byte_of_a_name else code).encode("unicode_escape").decode("ascii")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`"; did you mean 'x'?"` for the known name closest to `name`, or nothing where none is close."""
    import difflib  # a few milliseconds, paid only where something is wrong

    close = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def first_line(error: BaseException) -> str:
    """An exception in one printable line: its class and the first line of its text, cut where it is long.

    Safe for exceptions of other people's code, whose text may fail to be made.
    """
    name = type(error).__name__
    try:
        lines = str(error).strip().splitlines()
    except KeyboardInterrupt:
        raise
    except BaseException as another:  # noqa: BLE001 (a stranger's __str__ may raise anything)
        return f"{name}, whose text raises {type(another).__name__}"
    return f"{name}: {cut(printable(lines[0]))}" if lines else name


def shown(value: object) -> str:
    """`repr(value)` as one printable line, cut where it is long; safe for objects of other people's code."""
    try:
        text = repr(value)
    except KeyboardInterrupt:
        raise
    except BaseException as problem:  # noqa: BLE001 (a stranger's __repr__ may raise anything)
        return f"a {type(value).__name__}, whose repr raises {type(problem).__name__}"
    return cut(printable(text), 80)


def cut(text: str, length: int = 300) -> str:
    """The first `length` characters, with an ellipsis where there are more."""
    return text if len(text) <= length else f"{text[: length - 3]}..."


def listed(names: Sequence[str], most: int = 40) -> str:
    """The names with commas between them, the first `most` of them and how many more there are."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def this_python() -> str:
    """`Python 3.11.9, /path/to/python`: where something is installed, or is missing."""
    version = ".".join(map(str, sys.version_info[:3]))
    return f"Python {version}, {sys.executable}"
