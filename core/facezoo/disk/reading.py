"""Reading files whose names come from outside: what is no file is never opened."""

from __future__ import annotations

import errno
import stat
from pathlib import Path


def check_regular(path: Path) -> int:
    """The size in bytes of the file at `path`; OSError for a folder, a FIFO, a device or a socket.

    Opening a FIFO would wait for somebody to write into it. Links are followed.
    """
    status = path.stat()
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, "a folder, not a file", str(path))
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return status.st_size
