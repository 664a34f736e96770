"""Arrays out of NumPy's `.npz`, a zip of `.npy` files, from anywhere.

Nothing is unpickled, and nothing is allocated before the file is found to hold it: a header may declare any
shape, and a zip any size.
"""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import Any, Final
from zipfile import BadZipFile, ZipFile, ZipInfo

import numpy as np
import numpy.typing as npt

from facezoo._words import printable
from facezoo.disk.reading import check_regular
from facezoo.errors import FacezooError

KINDS: Final = "biufSU"
"""NumPy's letters for truth values, numbers and text."""
FREE: Final = 2**28
"""Bytes that arrays may always take."""
DENSEST: Final = 100
"""Times its size in the file that anything larger may take: deflate packs zeros a thousandfold."""
LAST_CHARACTER: Final = 0x10FFFF
HEADERS: Final = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


class _UnfitError(Exception):
    """Why an archive is not read."""


def read_arrays(
    path: Path, keys: tuple[str, ...], layout: str, optional: tuple[str, ...] = ()
) -> dict[str, npt.NDArray[Any]]:
    """The arrays called `keys` of an npz, and those called `optional` that are there, in native byte order.

    Others are not looked at. Raises FacezooError with the hint `layout` where the file is none, is damaged,
    lacks a key, holds one twice, holds Python objects, or would take far more memory than it is large.
    """
    where = printable(str(path))
    try:
        size = check_regular(path)
        with ZipFile(path) as archive:
            found = _members(archive, (*keys, *optional))
            missing = [key for key in keys if key not in found]
            if not missing:
                _check_size(list(found.values()), size)
                return {key: _array(archive, key, info) for key, info in found.items()}
    except (OSError, _UnfitError) as problem:
        reason = getattr(problem, "strerror", None) or problem
        raise FacezooError(f"{where}: cannot be read ({reason})", layout) from problem
    except BadZipFile as problem:
        raise FacezooError(f"{where}: cannot be read (not an npz, or damaged)", layout) from problem
    except MemoryError as problem:
        raise FacezooError(f"{where}: its arrays do not fit into the memory", layout) from problem
    except Exception as problem:  # damaged headers and streams fail in as many ways as there are
        reason = f"not an npz of plain arrays: {type(problem).__name__}"
        raise FacezooError(f"{where}: cannot be read ({reason})", layout) from problem
    raise FacezooError(f"{where}: has no array {missing[0]!r}", layout)


def one_number(array: npt.NDArray[Any], where: str, layout: str) -> float:
    """The number that an array holds; FacezooError, beginning with `where`, for any but one finite one."""
    if array.size != 1 or array.dtype.kind not in "fiu" or not np.isfinite(array).all():
        raise FacezooError(f"{where}: {array.dtype} {array.shape}, not one finite number", layout)
    return float(array.item())


def _members(archive: ZipFile, keys: tuple[str, ...]) -> dict[str, ZipInfo]:
    found: dict[str, ZipInfo] = {}
    names = {f"{key}.npy": key for key in keys}
    for info in archive.infolist():
        key = names.get(info.filename)
        if key in found:
            message = f"{key!r} is in it twice"
            raise _UnfitError(message)
        if key is not None:
            found[key] = info
    return found


def _check_size(members: list[ZipInfo], size: int) -> None:
    packed, whole = (sum(info.compress_size for info in members), sum(info.file_size for info in members))
    if packed > size:
        message = "its parts are larger than the file"
        raise _UnfitError(message)
    if whole > max(FREE, DENSEST * packed):
        message = f"{packed:,} bytes of it would become {whole:,}"
        raise _UnfitError(message)


def _array(archive: ZipFile, key: str, info: ZipInfo) -> npt.NDArray[Any]:
    with archive.open(info) as member:
        shape, _, dtype = HEADERS[np.lib.format.read_magic(member)](member)
        _check_header(key, shape, dtype, info.file_size - member.tell())
    with archive.open(info) as member:
        array = np.lib.format.read_array(member, allow_pickle=False)
        member.read(1)  # at the end its checksum is compared
    if array.dtype.kind == "U" and array.size and _code_points(array).max() > LAST_CHARACTER:
        message = f"{key!r} holds what is no text"
        raise _UnfitError(message)
    native: npt.NDArray[Any] = array.astype(array.dtype.newbyteorder("="), copy=False)
    return native


def _code_points(text: npt.NDArray[Any]) -> npt.NDArray[np.uint32]:
    return np.ascontiguousarray(text).view(np.dtype(np.uint32).newbyteorder(text.dtype.byteorder))


def _check_header(key: str, shape: tuple[int, ...], dtype: np.dtype[Any], size: int) -> None:
    if dtype.hasobject:
        message = f"{key!r} holds Python objects, which are never unpickled"
        raise _UnfitError(message)
    if dtype.kind not in KINDS or not dtype.itemsize:
        message = f"{key!r} holds neither numbers nor text"
        raise _UnfitError(message)
    if min(shape, default=0) < 0 or prod(shape) * dtype.itemsize != size:
        message = f"{key!r} declares another shape than its {size:,} bytes have"
        raise _UnfitError(message)
