"""Where the checkpoints of a run lie, and which of them is meant."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from facezoo.errors import FacezooError

FOLDER: Final = "checkpoints"
METADATA: Final = "checkpoint.json"
BEST: Final = "best.json"
EVALUATION: Final = "evaluation.json"


def checkpoints(run_dir: Path) -> list[Path]:
    """The run's checkpoints, by rising step."""
    folder = run_dir / FOLDER
    inside = folder.iterdir() if folder.is_dir() else []
    found = {step: path for path in inside if (step := step_of(path)) is not None and path.is_dir()}
    return [found[step] for step in sorted(found)]


def step_of(checkpoint: Path) -> int | None:
    """The step that a folder's name says; None where it is not called as checkpoints are."""
    named = re.fullmatch(r"step-([0-9]{1,18})", checkpoint.name)
    return int(named[1]) if named else None


def checkpoints_before(checkpoint: Path) -> list[Path]:
    """The checkpoints of the same run with fewer steps, the last one first; none for one out of a run."""
    run_dir, step = run_of(checkpoint), step_of(checkpoint)
    if run_dir is None or step is None:
        return []
    return [other for other in reversed(checkpoints(run_dir)) if (step_of(other) or 0) < step]


def latest_checkpoint(run_dir: Path) -> Path | None:
    """The checkpoint with the most steps behind it, or None before the first one."""
    found = checkpoints(run_dir)
    return found[-1] if found else None


def find_checkpoint(path: Path) -> Path:
    """`path` if it is a checkpoint, the latest one in it if it is a run directory; the checkpoint that a file
    lies in. Raises FacezooError for anything else.
    """
    if path.is_file() and (path.parent / METADATA).is_file():
        return path.parent
    if (path / METADATA).is_file():
        return path
    found = latest_checkpoint(path)
    if found is None:
        message = f"{path}: neither a checkpoint nor a run directory with one"
        raise FacezooError(message, "Give the directory of a run (facezoo train), or its checkpoints/step-N.")
    return found


def run_of(checkpoint: Path) -> Path | None:
    """The run directory that a checkpoint lies in; None for one that lies elsewhere."""
    return checkpoint.parent.parent if checkpoint.parent.name == FOLDER else None
