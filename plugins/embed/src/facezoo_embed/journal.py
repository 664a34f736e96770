"""Rows that are written batch by batch, with a journal that detects damage.

A batch is a line of JSON, written once its rows are on the disk. Each line carries a SHA-256 over the digest
of the line before, itself and its rows: what is cut short, exchanged or flipped is never taken for whole.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from facezoo.disk.durable import append

ROWS: Final = "rows.f32"
LINES: Final = "journal.jsonl"
DIGEST: Final = "sha256"


class Journal:
    """The batches in `folder`, each a mapping with its `paths`, one row of `width` float32 for each path.

    `digest` is that of all batches which were added or read.
    """

    def __init__(self, folder: Path, width: int) -> None:
        self.rows, self.lines, self.width = folder / ROWS, folder / LINES, width
        self.digest = ""
        self._end = {self.rows: 0, self.lines: 0}  # bytes that are known to be whole

    def add(self, batch: dict[str, Any], rows: npt.NDArray[np.float32]) -> None:
        """Write a batch; OSError where the disk does not take it."""
        data = rows.astype("<f4").tobytes()
        digest = _digest(self.digest, batch, data)
        line = (json.dumps({**batch, DIGEST: digest}) + "\n").encode()
        append(self.rows, data)
        append(self.lines, line)
        self._note(digest, data, line)

    def read(self) -> Iterator[dict[str, Any]]:
        """The batches from the first one on, up to the end or to the first that is damaged."""
        if not (self.lines.is_file() and self.rows.is_file()):
            return
        with self.lines.open("rb") as lines, self.rows.open("rb") as rows:
            for line in lines:
                batch = _parsed(line)
                data = rows.read(4 * self.width * len(batch["paths"])) if batch else b""
                if not batch or batch.pop(DIGEST) != (digest := _digest(self.digest, batch, data)):
                    return
                self._note(digest, data, line)
                yield batch

    def cut(self) -> int:
        """Cut off what comes after the batches that were read; how many whole lines that were."""
        lost = 0
        for path, end in self._end.items():
            if path.is_file() and path.stat().st_size > end:
                with path.open("r+b") as file:
                    file.seek(end)
                    lost += sum(line.endswith(b"\n") for line in file) if path == self.lines else 0
                    file.truncate(end)
        return lost

    def is_intact(self) -> bool:
        """Whether the files hold what was added, and nothing else."""
        again = Journal(self.lines.parent, self.width)
        for _ in again.read():
            pass
        sizes = {path: path.stat().st_size for path in self._end}
        return again.digest == self.digest and again._end == self._end == sizes

    def _note(self, digest: str, data: bytes, line: bytes) -> None:
        self.digest = digest
        self._end[self.rows] += len(data)
        self._end[self.lines] += len(line)


def _digest(before: str, batch: dict[str, Any], data: bytes) -> str:
    return hashlib.sha256(before.encode() + json.dumps(batch).encode() + b"\n" + data).hexdigest()


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        batch = json.loads(line)
    except (ValueError, RecursionError):
        return None
    whole = isinstance(batch, dict) and isinstance(batch.get("paths"), list) and DIGEST in batch
    return batch if whole and line.endswith(b"\n") else None
