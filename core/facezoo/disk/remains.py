"""What is half made, by its name, and what a killed process left of it.

Something half made is called `.facezoo-ID.tmp`, ID being 32 random hexadecimal digits; a folder also holds a
file that repeats its ID. Only what is so named, and so marked, is ever deleted as remains: a name alone that
looks like one proves nothing of a whole folder.
"""

from __future__ import annotations

import re
import secrets
import shutil
import stat
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

MARK: Final = ".facezoo-made"
_NAME: Final = re.compile(r"\.facezoo-([0-9a-f]{32})\.tmp")


def unused_name(folder: Path) -> Path:
    """A path in `folder` for something half made."""
    return folder / f".facezoo-{secrets.token_hex(16)}.tmp"


def mark(folder: Path) -> int:
    """Put the mark into a folder called by `unused_name`; returns the permissions of a new file."""
    (folder / MARK).write_text(_id(folder), encoding="ascii")
    return stat.S_IMODE((folder / MARK).stat().st_mode)


def unmark(folder: Path) -> None:
    """Take the mark out of a folder that is whole and has its name."""
    (folder / MARK).unlink(missing_ok=True)


def discard(folder: Path) -> None:
    """Delete a folder that the caller knows to be facezoo's; at no instant does half of it look whole.

    Raises OSError. A link to a folder is not followed: NotADirectoryError.
    """
    if folder.is_symlink():
        raise NotADirectoryError(20, "a link, not a folder", str(folder))
    doomed = unused_name(folder.parent)
    (folder / MARK).unlink(missing_ok=True)  # of a link, the link
    (folder / MARK).write_text(_id(doomed), encoding="ascii")
    folder.rename(doomed)
    _remove(doomed)


def is_remains(path: Path) -> bool:
    """Whether something is half made, or was: by its name, and a folder by its mark too. Raises OSError."""
    if _NAME.fullmatch(path.name) is None or path.is_symlink():
        return False
    if path.is_file():
        return True
    within = {inner.name for inner in path.iterdir()}
    if not within:
        return True  # killed before it was marked
    mark = path / MARK
    return not mark.is_symlink() and mark.is_file() and mark.read_bytes()[:64] == _id(path).encode()


def clear_remains(folder: Path, idle: float = 0.0) -> None:
    """Delete what killed processes left half made in `folder`; what cannot be deleted stays.

    Whoever calls it has claimed the folder, or leaves alone what has changed in the last `idle` seconds.
    """
    for path in list(folder.glob(".facezoo-*.tmp")):
        with suppress(OSError):
            if is_remains(path) and time.time() - _last_change(path) >= idle:
                _remove(path)


def _id(path: Path) -> str:
    found = _NAME.fullmatch(path.name)
    assert found is not None
    return found[1]


def _last_change(path: Path) -> float:
    return max(place.lstat().st_mtime for place in (path, *path.glob("*")))


def _remove(path: Path) -> None:
    """Delete a file, or a folder with its mark last: what a kill leaves in between is still known as ours."""
    if path.is_file():
        path.unlink()
        return
    for inner in path.iterdir():
        if inner.name != MARK:
            shutil.rmtree(inner) if inner.is_dir() and not inner.is_symlink() else inner.unlink()
    unmark(path)
    path.rmdir()
