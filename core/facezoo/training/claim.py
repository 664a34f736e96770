"""One process at a time in a run directory: two would drop each other's checkpoints and metrics."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from facezoo.disk.claims import LOCK, ClaimedError
from facezoo.disk.claims import claim as claim_folder

__all__ = ["LOCK", "ClaimedError", "claim"]


def claim(run_dir: Path) -> AbstractContextManager[None]:
    """Keep other processes from training in `run_dir`, which exists; `ClaimedError` where one does."""
    hint = "Wait for it, or end it: it saves what it has when it is told to stop."
    return claim_folder(run_dir, "training", hint)
