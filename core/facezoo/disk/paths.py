"""Words for paths: where one that is not there was looked for, and how one is shown."""

from __future__ import annotations

import os
import posixpath
import re
from pathlib import Path

from facezoo._words import printable


def is_of_windows(path: str) -> bool:
    """Whether a path is one of Windows, and this is not Windows."""
    return os.sep == posixpath.sep and re.match(r"[A-Za-z]:[\\/]|\\\\", path) is not None


def whence(path: str | Path) -> str:
    """Words for a path that is not there: from where a relative one was taken; "" for an absolute one."""
    if is_of_windows(str(path)):
        return "; it is a path of Windows, and this is another system"
    return "" if Path(path).is_absolute() else f"; it was looked for from {printable(str(Path.cwd()))}"


def nearby(path: str) -> str:
    """A path as it is shown: from the working directory on, where it lies below it."""
    here = Path.cwd()
    below = here != here.parent and Path(path).is_relative_to(here)
    return str(Path(path).relative_to(here)) if below else path
