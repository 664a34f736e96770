"""What all tests have in common: one thread, signals as in a terminal, how far hypothesis searches."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

# Tests multiply small matrices: threads would only wait for each other, and several processes run beside one
# another. Read by torch and numpy when they are imported, here and in every child.
os.environ["OMP_NUM_THREADS"] = "1"

# Neither profile looks at the clock, and "test" tries the same examples everywhere. An option of the command
# line, `--hypothesis-profile`, is read after this.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("test", unhurried, derandomize=True, database=None, max_examples=60)
settings.register_profile("soak", unhurried, max_examples=5000, print_blob=True)
settings.load_profile("test")


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """A run that sets `train.threads` sets it for its whole process: taken back after the test."""
    yield
    if (torch := sys.modules.get("torch")) and torch.get_num_threads() != 1:
        torch.set_num_threads(1)


@pytest.fixture(scope="session", autouse=True)
def heard_signals() -> Iterator[None]:
    """A script's job in the background starts with SIGINT ignored, and `nohup` ignores SIGHUP. Children would
    inherit that, and the tests that send these signals would wait for nothing.
    """
    heard = {signal.SIGINT: signal.default_int_handler, signal.SIGHUP: signal.SIG_DFL}
    ignored = [number for number in heard if signal.getsignal(number) is signal.SIG_IGN]
    for number in ignored:
        signal.signal(number, heard[number])
    yield
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)
