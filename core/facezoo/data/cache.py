"""Decoded pixels on disk: a set of images is decoded once, and mapped into memory from then on.

An entry is a folder that appears whole, by a rename, and is never changed: `pixels.npy`, uint8
[N, size, size, 3], and `source.json`, which holds the images that did not decode, with reasons. Its name is
a digest of all that decides the pixels: the place of the images; each file's name, size and time of change;
side, fit and decoder. What has changed has another name, so nothing stale is ever opened. (A file whose
content changes while its size and time stay is not noticed; nothing short of reading it all would.) Two
processes may fill one entry at once: the second to finish finds it there and takes it.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

import numpy as np

from facezoo.data.decode import (
    DECODER,
    Fit,
    InaccessibleImageError,
    OtherAspectError,
    Pixels,
    UnreadableImageError,
)
from facezoo.data.decoding import decoded
from facezoo.data.faces import ImageFiles, printable

PIXELS: Final = "pixels.npy"
SOURCE: Final = "source.json"
WORTH_IT: Final = 2_000
"""Fewer images are decoded about as fast as they are found on disk; "auto" leaves them to memory."""
KEPT: Final = 4
"""Entries kept for one folder of images at one size: LFW alone has three lists of pairs."""

ABANDONED: Final = 86_400.0
"""Seconds after which an entry that is still being made belongs to a process that was killed."""


@dataclass(frozen=True)
class Decoded:
    """All images of a set: uint8 [N, size, size, 3]; rows of images that did not decode are zeros."""

    pixels: Pixels
    unreadable: dict[int, str]
    other_aspect: dict[int, str] = field(default_factory=dict)


class CacheFailedError(Exception):
    """The cache cannot be written; its text says where and why."""


def cache_home() -> Path:
    """The folder of "auto": `facezoo` in XDG_CACHE_HOME, by default `~/.cache`."""
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home and Path(home).is_absolute() else Path.home() / ".cache") / "facezoo"


@dataclass(frozen=True)
class Cache:
    """A folder of entries."""

    folder: Path

    @classmethod
    def named(cls, setting: str, images: int) -> Cache | None:
        """The cache that the setting `data.cache` means for a set of that many images; None: none."""
        if setting == "none" or (setting == "auto" and images < WORTH_IT):
            return None
        return cls(cache_home() if setting == "auto" else Path(setting))

    def open(self, images: ImageFiles, size: int, fit: Fit) -> Decoded | None:
        """The entry of these images, mapped read-only; None where there is none, or a damaged one."""
        return _opened(self._entry(images, size, fit), (len(images), size, size, 3))

    def fill(self, images: ImageFiles, size: int, fit: Fit) -> Decoded:
        """Decode the images into an entry, and open it. CacheFailedError where it cannot be written.

        Images of another aspect ratio are found and told, but no entry stays; nor does one in which a file
        could not be accessed, as it might be the next time.
        """
        entry, shape = self._entry(images, size, fit), (len(images), size, size, 3)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            making = Path(tempfile.mkdtemp(prefix=f".{entry.name}.", dir=self.folder))
            try:
                found = _fill(making, images, size, fit)
                if found.passing:
                    pixels = np.array(np.lib.format.open_memmap(making / PIXELS, mode="r"))
                    return Decoded(pixels, found.unreadable, found.other_aspect)
                _put(making, entry, shape)
                self._forget_older(entry)
            finally:
                shutil.rmtree(making, ignore_errors=True)
        except OSError as problem:
            reason = problem.strerror or problem
            message = f"{printable(str(self.folder))}: the image cache cannot be written ({reason})"
            raise CacheFailedError(message) from problem
        opened = _opened(entry, shape)
        if opened is None:
            message = f"{printable(str(entry))}: vanished from the image cache right after it was written"
            raise CacheFailedError(message)
        return opened

    def _entry(self, images: ImageFiles, size: int, fit: Fit) -> Path:
        place = f"{images.root.resolve()}\0{size}\0{fit}"
        content = hashlib.sha256(f"{place}\0{DECODER}\n".encode("utf-8", "surrogateescape"))
        for path in images.paths:
            content.update(f"{path}\0{_state(images.root / path)}\n".encode("utf-8", "surrogateescape"))
        home = hashlib.sha256(place.encode("utf-8", "surrogateescape")).hexdigest()[:12]
        return self.folder / f"{home}-{content.hexdigest()[:32]}"

    def _forget_older(self, entry: Path) -> None:
        """Drop entries of the same place that were used longest ago; who has one open keeps it open.

        What a killed process left half made goes, too, once nobody can still be at it.
        """
        place = entry.name.partition("-")[0]
        old = sorted(self.folder.glob(f"{place}-*"), key=_used, reverse=True)[KEPT:]
        half_made = [path for path in self.folder.glob(".*-*.*") if time.time() - _made(path) > ABANDONED]
        for path in [*old, *half_made]:
            shutil.rmtree(path, ignore_errors=True)


def _state(path: Path) -> str:
    try:
        status = path.stat()
    except OSError:
        return "gone"
    return f"{status.st_size} {status.st_mtime_ns}"


def _used(entry: Path) -> float:
    try:
        return (entry / SOURCE).stat().st_mtime
    except OSError:  # another process has just dropped it
        return 0.0


def _made(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except OSError:
        return float("inf")


def _opened(entry: Path, shape: tuple[int, ...]) -> Decoded | None:
    try:
        source = json.loads((entry / SOURCE).read_text(encoding="utf-8"))
        unreadable = {int(image): str(reason) for image, reason in source["unreadable"].items()}
        pixels = np.lib.format.open_memmap(entry / PIXELS, mode="r")
        whole = pixels.shape == shape and pixels.dtype == np.uint8
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        return None
    with suppress(OSError):
        (entry / SOURCE).touch()  # used last just now
    return Decoded(pixels.view(np.ndarray), unreadable) if whole else None


@dataclass
class _Found:
    """What did not decode."""

    unreadable: dict[int, str] = field(default_factory=dict)
    other_aspect: dict[int, str] = field(default_factory=dict)
    passing: bool = False
    """Whether something of it may be otherwise the next time, though no file has changed."""

    def add(self, image: int, problem: UnreadableImageError) -> None:
        aside = self.other_aspect if isinstance(problem, OtherAspectError) else self.unreadable
        aside[image] = str(problem)
        self.passing = self.passing or isinstance(problem, OtherAspectError | InaccessibleImageError)


def _fill(making: Path, images: ImageFiles, size: int, fit: Fit) -> _Found:
    """Write an entry's files into the folder `making`."""
    found = _Found()
    blank = bytes(size * size * 3)
    # written in order, and not through a mapping: a full disk is then an error instead of a killed process
    with (making / PIXELS).open("wb") as file:
        shape = (len(images), size, size, 3)
        np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": shape})
        for image, result in enumerate(decoded(images, range(len(images)), size, fit)):
            if isinstance(result, UnreadableImageError):
                found.add(image, result)
            file.write(blank if isinstance(result, UnreadableImageError) else result.tobytes())
        _sync(file)
    with (making / SOURCE).open("w", encoding="utf-8") as text:
        json.dump({"images": printable(str(images.root)), "unreadable": found.unreadable}, text, indent=1)
        _sync(text)
    return found


def _sync(file: IO[bytes] | IO[str]) -> None:
    file.flush()
    os.fsync(file.fileno())


def _put(making: Path, entry: Path, shape: tuple[int, ...]) -> None:
    try:
        making.rename(entry)
    except OSError:
        # it is there: another process was faster, or it is a damaged one, which `open` refused
        if _opened(entry, shape) is None:
            shutil.rmtree(entry)
            making.rename(entry)
