"""Work that is done ahead by threads, none of which can keep the process from ending.

Python waits at its end for the threads of `concurrent.futures`: one that hangs in a read, as from a share
that went away, would keep a process alive whatever signal it got. These are daemon threads, which only read
files and compute; nothing is lost where they are cut off.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, wait
from queue import SimpleQueue
from threading import Thread
from typing import Any, Final, TypeVar

A = TypeVar("A")
T = TypeVar("T")
Job = tuple[Future[Any], Callable[..., Any], tuple[Any, ...]]
PATIENCE: Final = 0.25
"""Seconds between two looks whether waiting has been called off."""


class Threads:
    """A fixed number of daemon threads that take jobs in turn."""

    def __init__(self, count: int, name: str) -> None:
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._threads = [
            Thread(target=_work, args=(self._jobs,), name=f"{name}-{number}", daemon=True)
            for number in range(count)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, function: Callable[..., T], *arguments: Any) -> Future[T]:
        """`function` of the arguments, soon; a future that is cancelled before its turn is not computed."""
        future: Future[T] = Future()
        self._jobs.put((future, function, arguments))
        return future

    def close(self) -> None:
        """Let the threads end after what has been submitted; nobody waits for them."""
        for _ in self._threads:
            self._jobs.put(None)


def _work(jobs: SimpleQueue[Job | None]) -> None:
    while (job := jobs.get()) is not None:
        future, function, arguments = job
        if future.set_running_or_notify_cancel():
            try:
                future.set_result(function(*arguments))
            except BaseException as problem:  # noqa: BLE001 (it is raised where the result is asked for)
                future.set_exception(problem)
        del job, future, function, arguments  # what is waited for in `get` need not keep them alive


def computed_ahead(
    function: Callable[[A], T],
    plan: Iterable[A],
    ahead: int,
    pool: Threads | None = None,
    stopped: Callable[[], bool] | None = None,
) -> Generator[T, None, None]:
    """`function` of each item of a plan, in turn, with up to `ahead` more of them begun before they are asked
    for.

    They are computed by `pool`, or by one thread of their own. An error comes at its item's turn. Where
    `stopped` turns true while one is waited for, that and all that follow do not come.
    """
    threads = pool or Threads(1, "facezoo-ahead")
    waiting: deque[Future[T]] = deque()
    items = iter(plan)
    try:
        while True:
            for item in items:
                waiting.append(threads.submit(function, item))
                if len(waiting) > ahead:
                    break
            if not waiting or (stopped is not None and not _came(waiting[0], stopped)):
                return
            yield waiting.popleft().result()
    finally:
        for future in waiting:  # left early: what has not begun need not be done
            future.cancel()
        if pool is None:
            threads.close()


def _came(future: Future[Any], stopped: Callable[[], bool]) -> bool:
    """Wait for a future; False where that was called off before it came."""
    while not wait([future], PATIENCE).done:
        if stopped():
            return False
    return True
