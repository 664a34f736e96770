"""The one stop-gradient of facezoo, in a form that a gradient check can replay.

A head that cuts a gradient on purpose (a detached margin, a batch statistic) has a loss whose derivative is
not the derivative of its value, so finite differences of the value would reject it. `hold` marks the cut: a
check records the held values at a point and puts the same ones back while it moves the inputs.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

_active: ContextVar[HeldValues | None] = ContextVar("facezoo_held_values", default=None)


def hold(value: Tensor) -> Tensor:
    """`value` without its gradient: `value.detach()`, unless a gradient check replays what it recorded."""
    held = _active.get()
    return value.detach() if held is None else held.take(value.detach())


class HeldValues:
    """What `hold` returned during one computation, to be returned again in the same order."""

    def __init__(self) -> None:
        self._values: list[Tensor] = []
        self._next: int | None = None

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Keep every value that is held inside the block."""
        self._values, self._next = [], None
        with self._installed():
            yield

    @contextmanager
    def replaying(self) -> Iterator[None]:
        """Give back the recorded values inside the block, first to last."""
        self._next = 0
        with self._installed():
            yield

    @contextmanager
    def _installed(self) -> Iterator[None]:
        token = _active.set(self)
        try:
            yield
        finally:
            _active.reset(token)

    def take(self, value: Tensor) -> Tensor:
        """`value`, kept, or what was kept in its place."""
        if self._next is None:
            self._values.append(value.clone())
            return value
        if self._next == len(self._values):
            raise RuntimeError("more values are held than were recorded: the computation took another path")
        self._next += 1
        return self._values[self._next - 1]
