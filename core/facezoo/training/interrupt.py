"""Ctrl-C, SIGTERM, SIGHUP and a closed pipe: noticed between steps, so that the state can be saved first."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, Final

HANG_UP: Final[int | None] = getattr(signal, "SIGHUP", None)  # Windows has none
TOLD_TO_END: Final = tuple(number for number in (signal.SIGTERM, HANG_UP) if number is not None)
SIGNALS: Final = (signal.SIGINT, *TOLD_TO_END)
PIPE: Final[int] = getattr(signal, "SIGPIPE", signal.SIGTERM)
"""What a reader that went away counts as: Python itself ignores the signal and raises BrokenPipeError."""


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
    """Whether one of the signals has come; the second one acts as if nobody listened.

    Only a second SIGHUP does nothing: a terminal that goes away sends one from the shell and one from the
    system.
    """

    def __init__(self) -> None:
        self.signal: int | None = None
        self._before: dict[int, Any] = {}

    def listen(self) -> None:
        """Take over the signals, in the main thread only; one that is ignored (nohup, `&`) stays ignored."""
        if threading.current_thread() is not threading.main_thread():
            return
        for number in SIGNALS:
            if signal.getsignal(number) not in (signal.SIG_IGN, None):
                self._before[number] = signal.signal(number, self._note)

    def ask(self, number: int) -> None:
        """Ask for a stop as if the signal had come."""
        if self.signal is None:
            self.signal = number

    def leave(self) -> None:
        """Give the signals back."""
        for number in list(self._before):
            self._give_back(number)

    def _note(self, number: int, _: FrameType | None) -> None:
        self.ask(number)
        for other in self._before.keys() - {HANG_UP}:
            self._give_back(other)

    def _give_back(self, number: int) -> None:
        with suppress(KeyError):  # a signal may come at any instant, here too
            signal.signal(number, self._before.pop(number))


@contextmanager
def stop_request() -> Iterator[StopRequest]:
    """Listen for Ctrl-C, SIGTERM and SIGHUP inside the block."""
    request = StopRequest()
    try:
        request.listen()
        yield request
    finally:
        request.leave()


@contextmanager
def signals_raise() -> Iterator[None]:
    """Inside the block SIGTERM and SIGHUP raise `Interrupted`, as Ctrl-C raises KeyboardInterrupt."""

    def stop(number: int, _: FrameType | None) -> None:
        raise Interrupted(number)

    before: dict[int, Any] = {}
    try:
        if threading.current_thread() is threading.main_thread():
            for number in TOLD_TO_END:
                if signal.getsignal(number) not in (signal.SIG_IGN, None):
                    before[number] = signal.signal(number, stop)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
