"""One process at a time in a run directory: two would drop each other's checkpoints and metrics."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from facezoo.disk.claims import LOCK, ClaimedError
from facezoo.disk.claims import claim as claim_folder
from facezoo.disk.remains import clear_remains

__all__ = ["LOCK", "ClaimedError", "claim"]


@contextmanager
def claim(run_dir: Path) -> Iterator[None]:
    """Keep other processes from training in `run_dir`, which exists; `ClaimedError` where one does.

    What a killed process left half made in it goes.
    """
    hint = "Wait for it, or end it: it saves what it has when it is told to stop."
    with claim_folder(run_dir, "training", hint):
        clear_remains(run_dir)
        yield
