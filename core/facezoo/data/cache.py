"""Decoded pixels on disk: a set of images is decoded once, and mapped into memory from then on.

An entry's name is a digest of all that decides the pixels: the place of the images; the name and state of
each (of a file: its size and time of change); side, fit and decoder. What has changed has another name, so
nothing stale is ever opened. (A file whose content changes while its size and time stay is not noticed;
nothing short of reading it all would.) What an entry holds is compared with its digests whenever it is
opened, about a second per gigabyte.
Two processes may fill one entry at once: the second to finish finds it there and takes it.

The folder may hold other things. Only what facezoo made is ever deleted in it: old and damaged entries (see
`cache_entry`), and what a killed process left half made.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from facezoo._words import printable
from facezoo.data.cache_entry import (
    MAKER,
    PIXELS,
    Shape,
    is_entry,
    last_used,
    read_entry,
    seal,
    write_pixels,
)
from facezoo.data.decode import DECODER, Fit
from facezoo.data.decoding import Decoded, Failures, decoded
from facezoo.data.images import Images
from facezoo.disk.durable import whole_folder
from facezoo.disk.remains import clear_remains, discard

WORTH_IT: Final = 2_000
"""Fewer images are decoded about as fast as they are found on disk; "auto" leaves them to memory."""
KEPT: Final = 4
"""Entries kept for one folder of images at one size: LFW alone has three lists of pairs."""

ABANDONED: Final = 86_400.0
"""Seconds after which an entry that is still being made belongs to a process that was killed."""


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

    def decoded(self, images: Images, size: int, fit: Fit) -> Decoded:
        """The entry of these images, mapped read-only; where there is none, or a damaged one, they are
        decoded into one first. CacheFailedError where it cannot be written.

        Images of another aspect ratio are found and told, but no entry stays; nor does one in which a file
        could not be accessed, as it might be the next time.
        """
        entry, shape = self._entry(images, size, fit), (len(images), size, size, 3)
        return read_entry(entry, shape) or self.fill(entry, images, fit, shape)

    def fill(self, entry: Path, images: Images, fit: Fit, shape: Shape) -> Decoded:
        """Decode the images into `entry`, and open it; see `decoded`."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            clear_remains(self.folder, idle=ABANDONED)
            _make_way(entry, shape)
            with whole_folder(entry) as making:
                _fill(making, images, fit, shape)
            self._forget_older(entry)
        except _PassingError as passing:
            return passing.decoded
        except OSError as problem:
            if faster := read_entry(entry, shape):  # another process was
                return faster
            reason = problem.strerror or problem
            message = f"{printable(str(self.folder))}: the image cache cannot be written ({reason})"
            raise CacheFailedError(message) from problem
        opened = read_entry(entry, shape)
        if opened is None:
            message = f"{printable(str(entry))}: vanished from the image cache right after it was written"
            raise CacheFailedError(message)
        return opened

    def _entry(self, images: Images, size: int, fit: Fit) -> Path:
        place = f"{images.place}\0{size}\0{fit}"
        content = hashlib.sha256(f"{place}\0{DECODER}\0{MAKER}\n".encode("utf-8", "surrogateescape"))
        for image, name in enumerate(images.names):
            content.update(f"{name}\0{_state(images, image)}\n".encode("utf-8", "surrogateescape"))
        home = hashlib.sha256(place.encode("utf-8", "surrogateescape")).hexdigest()[:12]
        return self.folder / f"{home}-{content.hexdigest()[:32]}"

    def _forget_older(self, entry: Path) -> None:
        """Drop entries of the same place that were used longest ago; who has one open keeps it open."""
        place = entry.name.partition("-")[0]
        ours = [path for path in self.folder.glob(f"{place}-*") if is_entry(path)]
        for old in sorted(ours, key=last_used, reverse=True)[KEPT:]:
            with suppress(OSError):
                discard(old)


def _state(images: Images, image: int) -> str:
    try:
        return images.state(image)
    except OSError:
        return "gone"


class _PassingError(Exception):
    """Something of what was decoded may be otherwise the next time, though no file has changed."""

    def __init__(self, decoded: Decoded) -> None:
        self.decoded = decoded


def _fill(making: Path, images: Images, fit: Fit, shape: Shape) -> None:
    """Write an entry's files into the folder `making`, and see that they are as they were written."""
    failures, numbers = Failures(), range(len(images))
    digest = write_pixels(making, failures.noting(numbers, decoded(images, numbers, shape[1], fit)), shape)
    if failures.inaccessible or failures.other_aspect:
        pixels = np.array(np.lib.format.open_memmap(making / PIXELS, mode="r"))
        raise _PassingError(Decoded(pixels, failures))
    seal(making, images.place, shape, failures.unreadable, digest)
    if read_entry(making, shape) is None:
        raise OSError(None, "what was written is not what is there")


def _make_way(entry: Path, shape: Shape) -> None:
    """Drop a damaged entry; OSError where something else stands at its place."""
    if os.path.lexists(entry) and read_entry(entry, shape) is None:
        if not is_entry(entry):
            raise OSError(None, f"facezoo did not make {entry.name} in it, or there is more in that")
        discard(entry)
