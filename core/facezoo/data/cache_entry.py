"""An entry of the image cache: a folder that appears whole, by a rename, and is never changed.

It holds `pixels.npy`, uint8 [N, size, size, 3], and `source.json`, which is sealed and says who made the
entry, the digest of the pixels, and which images did not decode, with reasons. Whatever is not as it was
written is not trusted: the entry is then as good as none.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Final

import numpy as np

from facezoo._words import printable
from facezoo.data.decode import Pixels
from facezoo.data.decoding import Decoded, Failures
from facezoo.disk.durable import sync
from facezoo.disk.reading import check_regular
from facezoo.disk.remains import MARK
from facezoo.disk.sealed import read_sealed, write_sealed

PIXELS: Final = "pixels.npy"
SOURCE: Final = "source.json"
MAKER: Final = "facezoo image cache, 1"
"""Raised whenever an entry's files change their meaning."""
NAME: Final = re.compile(r"[0-9a-f]{12}-[0-9a-f]{32}")

Shape = tuple[int, int, int, int]


def write_pixels(folder: Path, results: Iterable[Pixels | None], shape: Shape) -> str:
    """Write decoded images in turn, zeros where there is none; returns the file's SHA-256. Raises OSError."""
    header, blank = BytesIO(), bytes(shape[1] * shape[2] * shape[3])
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": shape})
    digest = hashlib.sha256(header.getvalue())
    # written in order, and not through a mapping: a full disk is then an error instead of a killed process
    with (folder / PIXELS).open("xb") as file:
        file.write(header.getvalue())
        for result in results:
            data = blank if result is None else result.tobytes()
            digest.update(data)
            file.write(data)
    sync(folder / PIXELS)
    return digest.hexdigest()


def seal(folder: Path, place: str, shape: Shape, unreadable: dict[int, str], pixels: str) -> None:
    """Say whose pixels they are, once they are written; `pixels` is their digest. Raises OSError."""
    about = {"made_by": MAKER, "images": printable(place), "shape": list(shape)}
    write_sealed(folder / SOURCE, {**about, "pixels": pixels, "unreadable": unreadable})


def read_entry(entry: Path, shape: Shape) -> Decoded | None:
    """The entry in a folder, its pixels mapped read-only; None where there is none, or not a whole one."""
    try:
        if entry.is_symlink():
            return None
        source = read_sealed(entry / SOURCE)
        if source["made_by"] != MAKER or source["shape"] != list(shape):
            return None
        unreadable = {int(image): str(reason) for image, reason in source["unreadable"].items()}
        if not all(0 <= image < shape[0] for image in unreadable) or _digest(entry) != source["pixels"]:
            return None
        pixels = np.lib.format.open_memmap(entry / PIXELS, mode="r")
        whole = pixels.shape == shape and pixels.dtype == np.uint8
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return None
    with suppress(OSError):
        (entry / SOURCE).touch()  # used last just now
    return Decoded(pixels.view(np.ndarray), Failures(unreadable)) if whole else None


def is_entry(path: Path) -> bool:
    """Whether facezoo made what stands there, whole or damaged: by its name, and nothing else is in it."""
    if NAME.fullmatch(path.name) is None or path.is_symlink() or not path.is_dir():
        return False
    within = list(path.iterdir())
    ours = {PIXELS, SOURCE, MARK}
    return all(inner.name in ours and inner.is_file() and not inner.is_symlink() for inner in within)


def last_used(entry: Path) -> float:
    """When an entry was opened last, in seconds; long ago where another process has just dropped it."""
    try:
        return (entry / SOURCE).stat().st_mtime
    except OSError:
        return 0.0


def _digest(entry: Path) -> str:
    if (entry / PIXELS).is_symlink():
        raise OSError(None, "a link, not a file", os.fspath(entry / PIXELS))
    check_regular(entry / PIXELS)
    with (entry / PIXELS).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
