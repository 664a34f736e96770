"""metrics.jsonl: one line of JSON per step, and one for each event worth keeping."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path
from typing import Any, NoReturn

from facezoo.disk.durable import append_all, open_to_append, write_text
from facezoo.errors import FacezooError
from facezoo.runs.written import NAME, Written, read_written


@dataclass
class Past:
    """What a run needs to know of the lines so far."""

    untrained: Mapping[str, Any] | None = None
    """The line with the figures of the network before its first step, on what was named last."""
    verified: set[int] = field(default_factory=set)
    """The steps after which there was a verification."""
    steps: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    """The lines of the steps since the last whole epoch."""
    skipped: set[str] = field(default_factory=set)
    """The paths of training images that could not be decoded."""

    def add(self, line: Mapping[str, Any]) -> None:
        """Take in the next line."""
        event = line.get("event")
        if event is None:
            self.steps[line["step"]] = line
        elif event == "epoch":
            self.steps.clear()
        elif event == "image skipped":
            self.skipped.add(line["path"])
        elif event == "verification":
            self.verified.add(line["step"])
        elif event == "untrained":
            self.untrained = line

    @classmethod
    def of(cls, lines: Iterable[Mapping[str, Any]]) -> Past:
        """What some lines, in their order, say."""
        past = cls()
        for line in lines:
            past.add(line)
        return past


class MetricsLog:
    """Appends to a run's metrics.jsonl; every line is handed to the operating system at once."""

    def __init__(self, run_dir: Path) -> None:
        self.run_dir = run_dir
        self.path = run_dir / NAME
        self._past: Past | None = None
        self._file: FileIO | None = None

    @property
    def past(self) -> Past:
        """What the lines so far say; read from the disk once, where damaged lines are taken out then."""
        if self._past is None:
            self._past = _keep(self.run_dir, read_written(self.run_dir))
        return self._past

    def go_on(self, written: Written, step: int) -> None:
        """Go on with what was `written` of a run up to `step`; the rest is taken out of the file."""
        self._past = _keep(self.run_dir, written, step)

    def write(self, line: Mapping[str, Any]) -> None:
        """Append one line; numbers that are not finite become null, which JSON has no other word for.

        Raises FacezooError where it cannot be written; the file then ends with the line before.
        """
        text = json.dumps(_finite(line), ensure_ascii=False, allow_nan=False) + "\n"
        past = self.past
        try:
            if self._file is None:
                self._file = open_to_append(self.path)
            # a lone surrogate, as file names may hold, becomes the escape that JSON has for it
            append_all(self._file, text.encode("utf-8", "backslashreplace"), sync=False)
        except OSError as problem:
            _refuse(self.path, problem)
        past.add(line)

    def sync(self) -> None:
        """Write everything out to the disk; FacezooError where that fails."""
        try:
            if self._file is not None:
                os.fsync(self._file.fileno())
        except OSError as problem:
            _refuse(self.path, problem)

    def close(self) -> None:
        """Write everything out to the disk and let go of the file; the next line opens it again."""
        try:
            self.sync()
        finally:
            file, self._file = self._file, None
            try:
                if file is not None:
                    file.close()
            except OSError as problem:  # a disk over the network may tell only now
                _refuse(self.path, problem)


def forget_after(run_dir: Path, step: int) -> None:
    """Take out the lines of steps after `step`, which a run resumed there computes again."""
    _keep(run_dir, read_written(run_dir), step)


def _keep(run_dir: Path, written: Written, step: int | None = None) -> Past:
    """Leave in the file what is not damaged and no later than `step`; returns what that says."""
    kept = [line for line in written.lines if step is None or line.get("step", 0) <= step]
    if written.damaged or len(kept) < len(written.lines):
        try:
            write_text(run_dir / NAME, "".join(f"{json.dumps(line)}\n" for line in kept))
        except OSError as problem:
            _refuse(run_dir / NAME, problem)
    return Past.of(kept)


def _refuse(path: Path, problem: OSError) -> NoReturn:
    message = f"{path}: cannot be written ({problem.strerror or problem})"
    remedy = "Free some space" if problem.errno in {errno.ENOSPC, errno.EDQUOT} else "Mend that"
    raise FacezooError(message, f"{remedy}, then use --resume.") from problem


def _finite(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, float) and not abs(value) < float("inf"):
        return None
    return value
