"""Reading a file that should hold an image, without trusting that it is a file of a sensible size."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from facezoo.data.decode import UnreadableImageError
from facezoo.disk.reading import not_regular

MAX_FILE_BYTES: Final = 256 * 2**20
"""A larger file is not read. An image of `decode.MAX_PIXELS` in 8-bit colour, not compressed, is smaller."""


def read_file(path: Path) -> bytes:
    """The bytes of a regular file of at most `MAX_FILE_BYTES`.

    Anything else is not opened, so a pipe that nobody writes to cannot hang, and a device is left alone.
    Raises UnreadableImageError with the reason, and OSError where the system does not give the file out.
    """
    try:
        _require(path.stat())
        # O_NONBLOCK, and looked at again: another file may have taken the name in between
        number = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except ValueError as problem:  # a name that no system can have, such as one with a NUL in it
        raise UnreadableImageError(f"cannot be read ({problem})") from problem
    with os.fdopen(number, "rb") as file:
        _require(status := os.fstat(number))
        return file.read(status.st_size)


def _require(status: os.stat_result) -> None:
    if reason := not_regular(status.st_mode):
        raise UnreadableImageError(reason)
    if status.st_size > MAX_FILE_BYTES:
        message = f"{status.st_size:,} bytes; at most {MAX_FILE_BYTES:,} are read"
        raise UnreadableImageError(message)
