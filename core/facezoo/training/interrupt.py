"""Ctrl-C and SIGTERM during training: noticed between steps, so that the state can be saved first."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class Interrupted(KeyboardInterrupt):
    """A run was asked to stop by `signal`; it can be resumed."""

    def __init__(self, number: int) -> None:
        self.signal = signal.Signals(number)
        super().__init__(f"stopped by {self.signal.name}")

    @property
    def exit_code(self) -> int:
        """What a shell expects of a process that a signal ended: 130 for Ctrl-C, 143 for SIGTERM."""
        return 128 + int(self.signal)


class StopRequest:
    """Whether one of the signals has come; the second one acts as if nobody listened."""

    def __init__(self) -> None:
        self.signal: int | None = None
        self._before: dict[int, Any] = {}

    def listen(self) -> None:
        """Take over the signals, in the main thread only; one that is ignored (nohup) stays ignored."""
        if threading.current_thread() is not threading.main_thread():
            return
        for number in SIGNALS:
            if signal.getsignal(number) not in (signal.SIG_IGN, None):
                self._before[number] = signal.signal(number, self._note)

    def leave(self) -> None:
        """Give the signals back."""
        while self._before:
            signal.signal(*self._before.popitem())

    def _note(self, number: int, _: FrameType | None) -> None:
        self.signal = number
        self.leave()


@contextmanager
def stop_request() -> Iterator[StopRequest]:
    """Listen for Ctrl-C and SIGTERM inside the block."""
    request = StopRequest()
    try:
        request.listen()
        yield request
    finally:
        request.leave()


@contextmanager
def sigterm_raises() -> Iterator[None]:
    """Inside the block SIGTERM raises `Interrupted`, as Ctrl-C raises KeyboardInterrupt."""

    def stop(number: int, _: FrameType | None) -> None:
        raise Interrupted(number)

    in_main = threading.current_thread() is threading.main_thread()
    if not in_main or signal.getsignal(signal.SIGTERM) in (signal.SIG_IGN, None):
        yield
        return
    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
