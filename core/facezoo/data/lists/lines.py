"""The text of a list, in blocks of whole lines, and how a fault in it is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from facezoo.data.faces import printable
from facezoo.disk.paths import whence
from facezoo.errors import FacezooError

BLOCK: Final = 4 * 2**20
"""Bytes that are read at a time: a list of 10^7 pairs is not held as text."""
LONGEST: Final = 2**20
"""Bytes in a line. Python's csv module admits fields of 131,072 characters, and a pair has few."""
HINT: Final = "Give LFW's pairs.txt, or a CSV file with the columns a,b,same."
_PICKLE: Final = (
    "a pickle, as insightface keeps verification sets (.bin); it is not read, for that can run code"
)
_NOT_LISTS: Final = {
    b"\x80": (_PICKLE, "Give the images as files and a list of pairs: LFW's pairs.txt, or CSV a,b,same."),
    b"PK": ("a zip archive (.npz, .xlsx, .pth)", "Save a spreadsheet as CSV (UTF-8), a,b,same."),
    b"\xff\xfe": ("UTF-16 text", "Save it as UTF-8: iconv -f UTF-16 -t UTF-8 LIST > NEW."),
    b"\xfe\xff": ("UTF-16 text", "Save it as UTF-8: iconv -f UTF-16 -t UTF-8 LIST > NEW."),
}


def broken(path: Path, line: int, found: str, hint: str) -> FacezooError:
    """The error for one line of a list."""
    return FacezooError(f"{printable(str(path))}, line {line:,}: {found}", hint)


def blocks(path: Path) -> Iterator[tuple[int, str]]:
    """Pieces of the file as text, each of whole lines that end in a newline, with its first line's number.

    A byte-order mark is passed over; every kind of line end becomes a newline. Raises FacezooError where the
    file cannot be read, is no UTF-8 text, holds NUL, or a line is longer than `LONGEST`.
    """
    try:
        with path.open("rb") as file:
            line = 1
            while raw := _block(path, file, line):
                text = _text(path, raw, line)
                yield line, text
                line += text.count("\n")
    except OSError as problem:
        message = f"{printable(str(path))}: cannot be read ({problem.strerror}){whence(path)}"
        raise FacezooError(message, HINT) from problem


def _block(path: Path, file: BinaryIO, line: int) -> bytes:
    raw = file.read(BLOCK)
    if len(raw) == BLOCK:
        rest = file.readline(LONGEST)
        if len(rest) == LONGEST:
            message = f"{printable(str(path))}: a line has more than {LONGEST:,} bytes"
            raise FacezooError(message, HINT)
        raw += rest
    if line == 1:
        for mark, (what, hint) in _NOT_LISTS.items():
            if raw.startswith(mark):
                raise FacezooError(f"{printable(str(path))}: {what}", hint)
        raw = raw.removeprefix(b"\xef\xbb\xbf")  # spreadsheets write it
    return raw


def _text(path: Path, raw: bytes, line: int) -> str:
    if b"\r" in raw:
        raw = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if not raw.endswith(b"\n"):
        raw += b"\n"
    if (nul := raw.find(b"\0")) >= 0:
        raise broken(path, line + raw.count(b"\n", 0, nul), "holds a NUL character", HINT)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as problem:
        at = line + raw.count(b"\n", 0, problem.start)
        message = f"not UTF-8 text (byte 0x{raw[problem.start]:02x})"
        hint = "Save it as UTF-8; from Windows: iconv -f CP1252 -t UTF-8 LIST > NEW."
        raise broken(path, at, message, hint) from problem
