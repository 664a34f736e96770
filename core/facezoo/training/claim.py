"""One process at a time in a run directory.

Two that trained in one directory would drop each other's checkpoints and metrics. The claim is a lock of the
operating system's, so that it ends with its process however that ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from facezoo.errors import FacezooError

LOCK: Final = ".lock"


class ClaimedError(FacezooError):
    """Another process is training in the run directory."""


@contextmanager
def claim(run_dir: Path) -> Iterator[None]:
    """Keep other processes from training in `run_dir`, which exists; `ClaimedError` where one does."""
    from filelock import FileLock, Timeout

    try:
        lock = FileLock(run_dir / LOCK, timeout=0)
        lock.acquire()
    except Timeout:
        hint = "Wait for it, or end it: it saves what it has when it is told to stop."
        raise ClaimedError(f"{run_dir}: another process is training there", hint) from None
    except OSError as problem:
        message = f"{run_dir}: cannot be claimed for training ({problem.strerror or problem})"
        raise FacezooError(message, "Choose a directory that can be written to.") from problem
    try:
        yield
    finally:
        lock.release()
