"""Images that are files below a folder, read without trusting that they are files of a sensible size."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from facezoo._words import printable
from facezoo.data.declared import NOTHING, Declared
from facezoo.data.decode import Fit, UnreadableImageError
from facezoo.data.faces import LeftOut
from facezoo.data.images import Images, Numbers
from facezoo.disk.reading import not_regular

MAX_FILE_BYTES: Final = 256 * 2**20
"""A larger file is not read. An image of `decode.MAX_PIXELS` in 8-bit colour, not compressed, is smaller."""


@dataclass(frozen=True, eq=False)
class ImageFiles(Images):
    """Files, their `names` relative to the folder `root`; see `Images`."""

    root: Path
    names: tuple[str, ...]
    labels: Numbers = field(default_factory=lambda: np.empty(0, np.int64))
    identities: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    declared: Declared = NOTHING
    fit: Fit | None = None

    @property
    def place(self) -> str:  # type: ignore[override]
        """The folder, without links and relative parts."""
        return str(self.root.resolve())

    def read(self, image: int) -> bytes:
        """The encoded bytes of one image; see `read_file`."""
        return read_file(self.root / self.names[image])

    def state(self, image: int) -> str:
        """Size in bytes and time of change."""
        status = (self.root / self.names[image]).stat()
        return f"{status.st_size} {status.st_mtime_ns}"

    def lasting_state(self, image: int) -> str:
        """Size in bytes."""
        return self.state(image).partition(" ")[0]

    def printable(self, image: int) -> str:
        """The path, as it was said."""
        return printable(str(self.root / self.names[image]))


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
