"""One process at a time in a folder.

The claim is a lock of the operating system's, so that it ends with its process however that ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from facezoo.errors import FacezooError

LOCK: Final = ".lock"


class ClaimedError(FacezooError):
    """Another process is at work in the folder."""


@contextmanager
def claim(folder: Path, doing: str, hint: str = "Wait for it, or end it.") -> Iterator[None]:
    """Keep other processes from `doing` something in `folder`, which exists.

    Raises `ClaimedError` with `hint` where another process does, and FacezooError where it cannot be told.
    """
    from filelock import FileLock, Timeout

    if (folder / LOCK).is_symlink():  # filelock before 3.20.1 would empty what it points to
        raise FacezooError(f"{folder / LOCK}: is a link", "Remove it.")
    try:
        lock = FileLock(folder / LOCK, timeout=0)
        lock.acquire()
    except Timeout:
        raise ClaimedError(f"{folder}: another process is {doing} there", hint) from None
    except (OSError, NotImplementedError) as problem:
        reason = getattr(problem, "strerror", None) or problem
        message = f"{folder}: cannot be claimed for {doing} ({reason})"
        raise FacezooError(message, "Choose a directory that can be written to.") from problem
    try:
        yield
    finally:
        lock.release()
