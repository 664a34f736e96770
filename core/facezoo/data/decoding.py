"""Reading and decoding many files with every core."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import islice
from typing import TypeVar

from facezoo.data.decode import Fit, InaccessibleImageError, Pixels, UnreadableImageError, decode
from facezoo.data.faces import ImageFiles
from facezoo.data.threads import Threads, computed_ahead

T = TypeVar("T")
TOGETHER = 8  # images that a thread takes at once
AHEAD = 32  # times as many may lie decoded and not yet taken; bounds the memory


def decoded(
    images: ImageFiles, numbers: Iterable[int], size: int, fit: Fit
) -> Iterator[Pixels | UnreadableImageError]:
    """The pixels of the images of these numbers in turn, or why there are none; see `decode`."""

    def one(image: int) -> Pixels | UnreadableImageError:
        try:
            return decode(read(images, image), size, fit)
        except UnreadableImageError as problem:
            return problem

    return in_threads(one, numbers)


def read(images: ImageFiles, image: int) -> bytes:
    """The encoded bytes of one image; InaccessibleImageError where the system does not give them out."""
    try:
        return images.read(image)
    except OSError as problem:
        raise InaccessibleImageError(f"cannot be read ({problem.strerror or problem})") from problem


def in_threads(function: Callable[[int], T], numbers: Iterable[int]) -> Iterator[T]:
    """`function` of each number, in order, computed ahead by as many threads as there are cores."""

    def each(some: list[int]) -> list[T]:
        return [function(number) for number in some]

    # several at a time: every one that is handed over takes the lock from the threads that decode
    for results in computed_ahead(each, _chunks(numbers), AHEAD, _pool()):
        yield from results


def _chunks(numbers: Iterable[int]) -> Iterator[list[int]]:
    numbers = iter(numbers)
    while some := list(islice(numbers, TOGETHER)):
        yield some


@cache
def _pool() -> Threads:
    # Pillow decodes and scales without holding Python's lock, so threads keep every core busy
    return Threads(os.cpu_count() or 1, "facezoo-decode")
