"""How long a test waits for another process before it says that this hangs."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

HANG: Final = 600.0
"""Seconds. Ten times what the slowest machine needed for anything that a test waits for: a limit tells a hang
and nothing else, so it may be long.
"""


def wait_for(happened: Callable[[], bool], alive: Callable[[], bool]) -> None:
    """Wait until something has happened, in a process that must be alive until then."""
    until = time.monotonic() + HANG
    while not happened():
        assert alive(), "the process ended before it came to this"
        assert time.monotonic() < until, f"nothing has happened for {HANG:.0f} seconds"
        time.sleep(0.002)
