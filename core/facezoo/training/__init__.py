"""Training: from resolved settings to a run directory with weights and figures.

What lies in a run directory is described in `facezoo.runs`. Everything that a step depends on is a function
of the settings and of the step's number, or lies in the checkpoint, so that a resumed run continues bit for
bit on the same machine with the same number of threads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from facezoo._lazy import lazy_names

if TYPE_CHECKING:
    from facezoo.runs.places import latest_checkpoint
    from facezoo.runs.run import Run
    from facezoo.runs.verified import best_checkpoint, read_metadata
    from facezoo.training.interrupt import Interrupted
    from facezoo.training.session import resume, train
    from facezoo.training.trainer import Trainer

__all__ = [
    "Interrupted",
    "Run",
    "Trainer",
    "best_checkpoint",
    "latest_checkpoint",
    "read_metadata",
    "resume",
    "train",
]

# Checkpoints can be found and described without torch, which the names below would import.
__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "Interrupted": "facezoo.training.interrupt",
        "Run": "facezoo.runs.run",
        "Trainer": "facezoo.training.trainer",
        "best_checkpoint": "facezoo.runs.verified",
        "latest_checkpoint": "facezoo.runs.places",
        "read_metadata": "facezoo.runs.verified",
        "resume": "facezoo.training.session",
        "train": "facezoo.training.session",
    },
)
