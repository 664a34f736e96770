"""What a downloaded file is, told by its first bytes: many a file called `.pth` holds no weights."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final
from zipfile import BadZipFile, ZipFile

from facezoo._words import printable
from facezoo.disk.reading import check_regular
from facezoo.errors import FacezooError

AGAIN: Final = "Get it again, and compare its size with what the place says that you have it from."
STATE_DICT: Final = "Give a backbone's state dict that torch.save wrote, such as insightface publishes."

OTHERS: Final[tuple[tuple[bytes, str, str], ...]] = (
    (rb"\s*<(!doctype|html|head|\?xml)", "a page of the web, not weights", "Open the link in a browser."),
    (rb"version https://git-lfs", "a pointer of Git LFS, not the file itself", "Say `git lfs pull` there."),
    (rb"\x08[\x00-\x20][\x12\x1a\x22\x3a]", "an ONNX model", STATE_DICT),
    (rb"\x1f\x8b", "packed by gzip", "Unpack it first."),
    (rb"7z\xbc\xaf|Rar!", "a packed archive", "Unpack it first."),
    (rb"\x89HDF", "weights of Keras (HDF5)", STATE_DICT),
    (rb"\x12\x01\x00\x00\x00\x00\x00\x00", "parameters of MXNet", STATE_DICT),
    (rb"\x93NUMPY", "an array of NumPy", STATE_DICT),
    (rb"\s*[{\[]", "JSON, not weights", STATE_DICT),
)
"""How other files begin, what they are, and what to do."""


def check_download(path: Path) -> None:
    """FacezooError, saying what it is, where the file at `path` is known to be no state dict, or half of one.

    A file that passes may still hold no weights.
    """
    where = printable(str(path))
    try:
        size = check_regular(path)
        with path.open("rb") as file:
            start = file.read(1024)
    except OSError as problem:
        message = f"{where}: cannot be read ({problem.strerror or problem})"
        raise FacezooError(message, "Give the .pth file that you have downloaded.") from problem
    if not size:
        raise FacezooError(f"{where}: is empty", AGAIN)
    for pattern, what, hint in OTHERS:
        if re.match(pattern, start, re.IGNORECASE):
            raise FacezooError(f"{where}: is {what}", hint)
    if start.startswith(b"PK"):
        _check_zip(path, where, size)


def is_safetensors(path: Path) -> bool:
    """Whether a file begins as safetensors do: eight bytes of length, then JSON."""
    with path.open("rb") as file:
        start = file.read(10)
    return len(start) == 10 and start[8:] in {b'{"', b"{}", b"{ "} and start[5:8] == bytes(3)


def _check_zip(path: Path, where: str, size: int) -> None:
    """torch.save has written zips since 2020, with a pickle and one uncompressed entry per tensor."""
    try:
        with ZipFile(path) as archive:
            entries = archive.infolist()
    except (BadZipFile, OSError, ValueError, NotImplementedError) as problem:
        raise FacezooError(f"{where}: is cut short or damaged", AGAIN) from problem
    names = [entry.filename for entry in entries]
    if any(name.endswith("/constants.pkl") for name in names):
        raise FacezooError(f"{where}: is a TorchScript program, not weights", STATE_DICT)
    if not any(name.endswith("data.pkl") for name in names):
        raise FacezooError(f"{where}: is a zip archive that torch.save did not write", STATE_DICT)
    if sum(entry.file_size for entry in entries) > size:
        raise FacezooError(f"{where}: declares more than it holds", AGAIN)
