"""metrics.jsonl: a line of JSON for each step, and for each event worth keeping."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

NAME: Final = "metrics.jsonl"


class MetricsLog:
    """Appends to a run's metrics.jsonl; every line is handed to the operating system at once."""

    def __init__(self, run_dir: Path) -> None:
        self.path = run_dir / NAME
        self._file = self.path.open("a", encoding="utf-8", newline="\n")

    def write(self, line: Mapping[str, object]) -> None:
        """Append one line; numbers that are not finite become null, which JSON has no other word for."""
        self._file.write(json.dumps(_finite(line), ensure_ascii=False, allow_nan=False) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Write everything out to the disk."""
        os.fsync(self._file.fileno())
        self._file.close()


def read_metrics(run_dir: Path) -> list[dict[str, Any]]:
    """The lines of a run's metrics.jsonl so far; a last line cut short by a kill is left out."""
    path = run_dir / NAME
    lines = path.read_text(encoding="utf-8").split("\n") if path.exists() else []
    return [json.loads(line) for line in lines[:-1]]


def forget_after(run_dir: Path, step: int) -> None:
    """Take out the lines of steps after `step`, which a run resumed there computes again."""
    from facezoo.disk.durable import write_text

    kept = [line for line in read_metrics(run_dir) if line.get("step", 0) <= step]
    write_text(run_dir / NAME, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in kept))


def _finite(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, float) and not abs(value) < float("inf"):
        return None
    return value
