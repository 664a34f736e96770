"""Reading files whose names come from outside: what is no file is never opened."""

from __future__ import annotations

import errno
import stat
from pathlib import Path
from typing import Final

KINDS: Final = {
    stat.S_IFREG: "a file",
    stat.S_IFLNK: "a link",
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def kind_of(mode: int) -> str:
    """What a file of this `st_mode` is, in words."""
    return KINDS.get(stat.S_IFMT(mode), "something else")


def not_regular(mode: int) -> str | None:
    """What a file of this `st_mode` is instead of a regular one; None for a regular one."""
    if stat.S_ISREG(mode):
        return None
    return f"not a regular file but {kind_of(mode)}"


def check_regular(path: Path) -> int:
    """The size in bytes of the file at `path`; OSError for a folder, a FIFO, a device or a socket.

    Opening a FIFO would wait for somebody to write into it. Links are followed.
    """
    status = path.stat()
    if reason := not_regular(status.st_mode):
        raise OSError(errno.EINVAL, reason, str(path))
    return status.st_size
