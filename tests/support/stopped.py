"""`facezoo` in a process of its own that waits for a signal at the end of a step, however fast it is.

    python -m support.stopped STEP FILE train ...

FILE is there once it waits. The signal is then delivered where it would have been: after the step's metrics.
"""

from __future__ import annotations

import os
import select
import signal
import sys
from pathlib import Path
from typing import Any

from facezoo.hooks import Observers
from facezoo_cli.main import main
from support.patience import HANG


def waiting(step: int, told: Path) -> None:
    """Make the observers' event of one step wait until a signal has come."""
    step_end = Observers.step_end
    come, note = os.pipe()
    os.set_blocking(note, False)
    signal.set_wakeup_fd(note)  # whichever thread the system interrupts

    def wait(self: Observers, **event: Any) -> None:
        step_end(self, **event)
        if event["step"] == step:
            told.touch()
            select.select([come], [], [], HANG)

    Observers.step_end = wait  # type: ignore[method-assign]


if __name__ == "__main__":
    waiting(int(sys.argv[1]), Path(sys.argv[2]))
    sys.argv[1:] = sys.argv[3:]
    main()
