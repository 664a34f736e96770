"""Reading and decoding many images with every core."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from typing import Any, TypeVar

import numpy as np

from facezoo._words import first_line
from facezoo.data.decode import (
    Fit,
    InaccessibleImageError,
    OtherAspectError,
    Pixels,
    UnreadableImageError,
    decode,
)
from facezoo.data.images import Images, Picture
from facezoo.data.threads import Threads, computed_ahead
from facezoo.errors import FacezooError
from facezoo.registry.foreign import IN_ITS_CODE

A = TypeVar("A")
T = TypeVar("T")
TOGETHER = 8  # images that a thread takes at once
AHEAD = 32  # times as many may lie decoded and not yet taken; bounds the memory


@dataclass
class Failures:
    """Images without pixels, by number, with reasons."""

    unreadable: dict[int, str] = field(default_factory=dict)
    inaccessible: dict[int, str] = field(default_factory=dict)
    """Those of the unreadable that may be read another time, though no file has changed."""
    other_aspect: dict[int, str] = field(default_factory=dict)
    """Images that are not square, with their sides; not among the unreadable."""

    def noting(
        self, numbers: Iterable[int], results: Iterable[Pixels | UnreadableImageError]
    ) -> Iterator[Pixels | None]:
        """The pixels of the images of these numbers, None where there are none, which is noted."""
        for image, result in zip(numbers, results, strict=True):
            if not isinstance(result, UnreadableImageError):
                yield result
                continue
            kind = self.other_aspect if isinstance(result, OtherAspectError) else self.unreadable
            kind[image] = str(result)
            if isinstance(result, InaccessibleImageError):
                self.inaccessible[image] = str(result)
            yield None


@dataclass(frozen=True)
class Decoded:
    """All images of a set: uint8 [N, size, size, 3]; rows of images that did not decode are zeros."""

    pixels: Pixels
    failures: Failures


def decoded(
    images: Images, numbers: Iterable[int], size: int, fit: Fit
) -> Iterator[Pixels | UnreadableImageError]:
    """The pixels of the images of these numbers in turn, or why there are none; see `decode`, `of_each`."""

    def square(picture: Picture | UnreadableImageError) -> Pixels | UnreadableImageError:
        try:
            return picture if isinstance(picture, UnreadableImageError) else decode(picture, size, fit)
        except UnreadableImageError as problem:
            return problem

    return of_each(images, numbers, square)


def of_each(
    images: Images, numbers: Iterable[int], function: Callable[[Picture | UnreadableImageError], T]
) -> Iterator[T]:
    """`function` of what is read of the images of these numbers in turn, or of why nothing is.

    It is computed ahead, by as many threads as there are cores. The numbers of images that are `sequential`
    must ascend.
    """
    if images.sequential:
        return _in_threads(function, _in_order(images, numbers))
    return _in_threads(lambda image: function(_picture(images, image)), numbers)


def read(images: Images, image: int) -> Picture:
    """One image as its source gives it, with any number of threads at once.

    Raises UnreadableImageError where it is damaged, InaccessibleImageError where the system does not give it
    out, and FacezooError where the source itself fails.
    """
    try:
        return _checked(images, image, images.read(image))
    except (UnreadableImageError, FacezooError):
        raise
    except OSError as problem:
        raise InaccessibleImageError(f"cannot be read ({problem.strerror or problem})") from problem
    except Exception as problem:
        raise _failed(images, image, problem) from problem


def _picture(images: Images, image: int) -> Picture | UnreadableImageError:
    try:
        return read(images, image)
    except UnreadableImageError as problem:
        return problem


def _in_order(images: Images, numbers: Iterable[int]) -> Iterator[Picture | UnreadableImageError]:
    stream = enumerate(images.in_order())
    for wanted in numbers:
        try:
            found = next((found for image, found in stream if image == wanted), None)
        except FacezooError:
            raise
        except Exception as problem:
            raise _failed(images, wanted, problem) from problem
        if found is None:
            message = f"{images.printable(wanted)}: is not there: what is read in order ends before it"
            raise FacezooError(message, "It is cut off, or has changed since its images were counted.")
        yield found if isinstance(found, UnreadableImageError) else _checked(images, wanted, found)


def _checked(images: Images, image: int, found: Any) -> Picture:
    if isinstance(found, bytes):
        return found
    if isinstance(found, np.ndarray) and found.dtype == np.uint8 and found.ndim == 3 and found.shape[2] == 3:
        return found
    what = f"{found.dtype} {list(found.shape)}" if isinstance(found, np.ndarray) else type(found).__name__
    message = f"{images.printable(image)}: its source gave {what}, neither bytes nor uint8 [H, W, 3]"
    raise FacezooError(message, "An image is an encoded file's bytes, or RGB pixels of 8 bits.")


def _failed(images: Images, image: int, problem: Exception) -> FacezooError:
    return FacezooError(f"{images.printable(image)}: its source fails: {first_line(problem)}", IN_ITS_CODE)


def _in_threads(function: Callable[[A], T], items: Iterable[A]) -> Iterator[T]:
    """`function` of each item, in order, computed ahead by as many threads as there are cores."""

    def each(some: list[A]) -> list[T]:
        return [function(item) for item in some]

    # several at a time: every one that is handed over takes the lock from the threads that decode
    for results in computed_ahead(each, _chunks(items), AHEAD, _pool()):
        yield from results


def _chunks(items: Iterable[A]) -> Iterator[list[A]]:
    items = iter(items)
    while some := list(islice(items, TOGETHER)):
        yield some


@cache
def _pool() -> Threads:
    # Pillow decodes and scales without holding Python's lock, so threads keep every core busy
    return Threads(os.cpu_count() or 1, "facezoo-decode")
