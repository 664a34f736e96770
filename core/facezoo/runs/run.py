"""What observers see of a run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from facezoo.settings import RunSettings


@dataclass(frozen=True)
class Run:
    """Where a run stands: its directory, its settings, and the steps and whole epochs that lie behind it."""

    dir: Path
    settings: RunSettings
    step: int
    epoch: int
