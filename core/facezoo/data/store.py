"""Decoded images: decoded once, into memory or a mapped file, where they are few; else when asked for."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from facezoo.data.cache import Cache, CacheFailedError
from facezoo.data.decode import Fit, Pixels
from facezoo.data.decoding import Decoded, Failures, decoded
from facezoo.data.images import Images
from facezoo.errors import FacezooError

CROP = "Crop them to their central squares with --set data.fit=crop, or bring them to one aspect ratio first."
AWAY = "Make it readable; a run then goes on with --resume."
UNREADABLE = (
    "Mend or remove this file: nothing stands in for it. To train without such images, set "
    'data.unreadable to "skip" (for --resume, in the run\'s resolved.toml).'
)

Readable = tuple[npt.NDArray[np.int64], Pixels, dict[int, str]]


class Store(Protocol):
    """Gives the pixels of images by their numbers."""

    images: Images

    unreadable: dict[int, str]
    """Images known not to decode, with reasons; `fetch` raises FacezooError for them."""

    def __len__(self) -> int: ...

    def fetch(self, images: npt.NDArray[np.int64]) -> Pixels:
        """uint8 [n, size, size, 3], RGB, a fresh array that the caller may change."""
        ...

    def fetch_readable(self, images: npt.NDArray[np.int64]) -> Readable:
        """Those of the images that can be decoded, int64 [n], their pixels as of `fetch`, and why others
        cannot be.

        FacezooError for a file that the system does not give out: it may do so at another attempt, and the
        answer here is to be a function of the files alone.
        """
        ...


def open_store(images: Images, size: int, memory: int, *, fit: Fit = "resize", cache: str = "none") -> Store:
    """A store of `images` as `size` x `size` pixels, decoded once if that takes at most `memory` bytes.

    What is decoded once lies in RAM, or in a file that is mapped into memory and used again the next time:
    `cache` is "none", "auto" or a folder (see `facezoo.data.cache`). A larger set is decoded whenever it is
    fetched. Every kind gives the same pixels. A MemoryStore already knows which images are unreadable; a
    StreamingStore learns it on first fetch. `fit` is what becomes of images that are not square
    (see `decode`); raises FacezooError where it is "resize" and there are such, and for a larger set that is
    read in order alone.
    """
    needed = len(images) * size * size * 3
    if needed > memory and images.sequential:
        message = f"{images.place}: is read in order alone, and takes {needed / 2**20:,.0f} MiB when decoded"
        raise FacezooError(message, "Give it that much memory (data.memory_mib).")
    if needed > memory:
        return StreamingStore(images, size, fit)
    found = _decoded(images, size, fit, cache)
    _refuse(images, found.failures.other_aspect, "another aspect ratio: ", CROP)
    return MemoryStore(images, found.pixels, found.failures.unreadable)


@dataclass
class MemoryStore:
    """All images decoded: uint8 [R, size, size, 3], in memory or mapped; image n lies in row `rows[n]`."""

    images: Images
    pixels: Pixels
    unreadable: dict[int, str]
    rows: npt.NDArray[np.int64] | None = None
    """int64 [N], or None where row n is image n."""

    def __len__(self) -> int:
        return len(self.images)

    def fetch(self, images: npt.NDArray[np.int64]) -> Pixels:
        """See `Store`."""
        wanted = set(images.tolist())
        _refuse(self.images, {image: why for image, why in self.unreadable.items() if image in wanted})
        return self.pixels[images if self.rows is None else self.rows[images]]

    def fetch_readable(self, images: npt.NDArray[np.int64]) -> Readable:
        """See `Store`."""
        unreadable = {image: self.unreadable[image] for image in images.tolist() if image in self.unreadable}
        kept = images[~np.isin(images, list(unreadable))]
        return kept, self.fetch(kept), unreadable

    def without_unreadable(self, images: Images) -> MemoryStore:
        """The store of `images`, which are this one's less those that are unreadable; no pixel is copied."""
        rows = np.arange(len(self)) if self.rows is None else self.rows
        return MemoryStore(images, self.pixels, {}, np.delete(rows, list(self.unreadable)))


@dataclass
class StreamingStore:
    """Images decoded by threads whenever they are fetched."""

    images: Images
    size: int
    fit: Fit = "resize"
    unreadable: dict[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.images)

    def fetch(self, images: npt.NDArray[np.int64]) -> Pixels:
        """See `Store`."""
        _, pixels, unreadable = self.fetch_readable(images)
        _refuse(self.images, unreadable)
        return pixels

    def fetch_readable(self, images: npt.NDArray[np.int64]) -> Readable:
        """See `Store`."""
        numbers = images.tolist()
        pixels = np.empty((len(numbers), self.size, self.size, 3), np.uint8)
        failures, kept = Failures(), list[int]()
        results = failures.noting(numbers, decoded(self.images, numbers, self.size, self.fit))
        for image, result in zip(numbers, results, strict=True):
            if result is not None:
                pixels[len(kept)] = result
                kept.append(image)
        _refuse(self.images, failures.other_aspect, "another aspect ratio: ", CROP)
        _refuse(self.images, failures.inaccessible, hint=AWAY)
        self.unreadable |= failures.unreadable
        return np.array(kept, np.int64), pixels[: len(kept)], failures.unreadable


def _decoded(images: Images, size: int, fit: Fit, cache: str) -> Decoded:
    """All images decoded, in the cache that is set or else in memory."""
    if where := Cache.named(cache, len(images)):
        try:
            return where.decoded(images, size, fit)
        except CacheFailedError as problem:
            warnings.warn(f"{problem}; the images are decoded into memory instead", stacklevel=3)
    pixels, failures, numbers = (
        np.zeros((len(images), size, size, 3), np.uint8),
        Failures(),
        range(len(images)),
    )
    for image, result in enumerate(failures.noting(numbers, decoded(images, numbers, size, fit))):
        if result is not None:
            pixels[image] = result
    return Decoded(pixels, failures)


def _refuse(images: Images, found: Mapping[int, str], what: str = "", hint: str = UNREADABLE) -> None:
    """FacezooError for the first of the images that were found, where there are some."""
    for image, reason in found.items():
        others = f" (and {len(found) - 1:,} more like it)" if len(found) > 1 else ""
        raise FacezooError(f"{images.printable(image)}: {what}{reason}{others}", hint)
