"""Reading and decoding many files with every core."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from itertools import islice
from typing import TypeVar

from facezoo.data.decode import Fit, InaccessibleImageError, Pixels, UnreadableImageError, decode
from facezoo.data.faces import ImageFiles

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
    waiting: deque[Future[list[T]]] = deque()
    numbers = iter(numbers)
    try:
        # several at a time: every one that is handed over takes the lock from the threads that decode
        while some := list(islice(numbers, TOGETHER)):
            waiting.append(_pool().submit(_each, function, some))
            if len(waiting) > AHEAD:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()
    finally:
        for future in waiting:  # left early: what has not begun need not be done
            future.cancel()


def _each(function: Callable[[int], T], numbers: list[int]) -> list[T]:
    return [function(number) for number in numbers]


@cache
def _pool() -> ThreadPoolExecutor:
    # Pillow decodes and scales without holding Python's lock, so threads keep every core busy
    return ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="facezoo-decode")
