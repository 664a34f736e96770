"""Files and folders that are either whole or not there, whatever happens while they are written.

Until it is whole, each lies beside its place under a name that nobody else uses (see `remains`). Where an
`OSError` or an interruption ends the work, nothing of it stays, and what was there before is as it was.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

from facezoo.disk.remains import discard, mark, unmark, unused_name

FAILURES = (Exception, KeyboardInterrupt)


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give the block an empty file to fill, by its path, and put it at `path` in one go when the block ends.

    It is synced, and gets the permissions of a new file (666 less the umask) even if a library has replaced
    it by one for its owner alone. A link at `path` is replaced, not followed. Raises OSError.
    """
    beside = unused_name(path.parent)
    handle = os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
    mode = stat.S_IMODE(os.fstat(handle).st_mode)
    os.close(handle)
    try:
        yield beside
        _settle(beside, mode)
        beside.replace(path)
    except FAILURES:
        beside.unlink(missing_ok=True)
        raise
    sync(path.parent)


@contextmanager
def whole_folder(path: Path, *, replace: bool = False) -> Iterator[Path]:
    """Give the block an empty folder to fill, and name it `path` in one go when the block ends.

    Its files are synced, and get the permissions of new files. Folders above are made where they are missing,
    and go again if the block fails. Raises OSError, also where anything stands at `path`; with `replace` that
    goes once the new folder is whole, and is facezoo's.
    """
    if os.path.lexists(path) and not replace:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
    made = make_folders(path.parent)
    beside = unused_name(path.parent)
    try:
        beside.mkdir()
        mode = mark(beside)
        yield beside
        for file in beside.rglob("*"):
            if file.is_file():
                _settle(file, mode)
        sync(beside)
        if replace and os.path.lexists(path):
            discard(path)
        beside.rename(path)
    except FAILURES:
        shutil.rmtree(beside, ignore_errors=True)
        drop_folders(made)
        raise
    unmark(path)
    sync(path.parent)


def write_text(path: Path, text: str) -> None:
    """Put `text` into the file at `path` in one go; see `whole_file`."""
    with whole_file(path) as beside:
        beside.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, content: Mapping[str, object]) -> None:
    """Put `content` into the file at `path` as indented JSON, in one go; ValueError for NaN and infinity."""
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    # a lone surrogate, as file names may hold, becomes the escape that JSON has for it
    write_text(path, text.encode("utf-8", "backslashreplace").decode())


def append(path: Path, data: bytes) -> None:
    """Add `data` to the end of the file at `path`, made where it is missing, and sync it.

    Raises OSError, also for a link at `path`; then nothing has been added.
    """
    with open_to_append(path) as file:
        append_all(file, data, sync=True)


def open_to_append(path: Path) -> FileIO:
    """The file at `path`, made where it is missing, to be added to; OSError, also for a link there."""
    no_links = getattr(os, "O_NOFOLLOW", 0)  # Windows has none
    return FileIO(str(path), "a", opener=lambda name, flags: os.open(name, flags | no_links, 0o666))


def append_all(file: FileIO, data: bytes, *, sync: bool) -> None:
    """Add all of `data` to the end of an open file, or none of it; OSError where it does not fit."""
    before = os.fstat(file.fileno()).st_size
    rest = memoryview(data)
    try:
        while rest:
            rest = rest[file.write(rest) :]
        if sync:
            os.fsync(file.fileno())
    except OSError:
        os.ftruncate(file.fileno(), before)
        raise


def sync(path: Path) -> None:
    """Force a file's content, or a folder's entries, onto the disk."""
    if path.is_dir() and os.name == "nt":
        return  # Windows neither needs nor allows it for folders
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_folders(folder: Path) -> list[Path]:
    """Make `folder` and those above it; returns the ones that were not there, the deepest first.

    Raises OSError.
    """
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    return missing


def drop_folders(made: list[Path]) -> None:
    """Take away again what `make_folders` has made, as far as it is empty."""
    for folder in made:
        try:
            folder.rmdir()
        except FileNotFoundError:
            continue
        except OSError:  # somebody has put something into it
            return


def _settle(file: Path, mode: int) -> None:
    if stat.S_IMODE(file.stat().st_mode) != mode:
        file.chmod(mode)
    sync(file)
