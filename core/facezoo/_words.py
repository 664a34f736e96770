"""The wording that several error messages share."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterable


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`"; did you mean 'x'?"` for the known name closest to `name`, or nothing where none is close."""
    import difflib  # a few milliseconds, paid only where something is wrong

    close = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def first_line(error: BaseException) -> str:
    """An exception in one line: its class and the first line of its text."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def this_python() -> str:
    """`Python 3.11.9, /path/to/python`: where something is installed, or is missing."""
    return f"Python {platform.python_version()}, {sys.executable}"
