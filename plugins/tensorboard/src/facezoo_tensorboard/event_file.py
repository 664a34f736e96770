"""A file of TensorBoard events, written by TensorBoard's own record writer.

Not by `torch.utils.tensorboard` nor TensorBoard's `EventFileWriter`: they import TensorFlow where it is
installed, and a thread of theirs holds records back that are lost when the process is killed.
"""

from __future__ import annotations

import errno
import os
import socket
import time
from collections.abc import Mapping
from pathlib import Path

from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter


class EventFile:
    """One file, to be read after those that lie in `folder` already.

    Every record is handed to the operating system at once. TensorBoard drops what the earlier files hold of
    steps from `purge_from` on. Raises OSError where the file cannot be written, or `folder` is a link.
    """

    def __init__(self, folder: Path, purge_from: int) -> None:
        if folder.is_symlink():
            raise NotADirectoryError(errno.ENOTDIR, "a link, and nothing is written through one", str(folder))
        folder.mkdir(exist_ok=True)
        self.path = _next_path(folder)
        self._records = RecordWriter(self.path.open("xb"))
        self._record(Event(file_version="brain.Event:2"))
        self._record(Event(step=purge_from, session_log=SessionLog(status=SessionLog.START)))

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return bool(self._records.closed)

    def write(self, step: int, scalars: Mapping[str, float]) -> None:
        """Append the values of a step, by tag, as one record; they are kept as float32."""
        values = [Summary.Value(tag=tag, simple_value=value) for tag, value in scalars.items()]
        self._record(Event(step=step, summary=Summary(value=values)))

    def close(self) -> None:
        """Close the file; it may be closed already."""
        self._records.close()

    def _record(self, event: Event) -> None:
        event.wall_time = time.time()
        self._records.write(event.SerializeToString())
        self._records.flush()


def _next_path(folder: Path) -> Path:
    """A name that sorts behind those in `folder`: TensorBoard reads the files in the order of their names.

    The names begin with the time in seconds, but two files may be of one second, and a clock may be set back.
    """
    times = [int(path.name.split(".")[3]) for path in folder.glob("events.out.tfevents.*.*")]
    stamp = max([int(time.time()), *(time + 1 for time in times)])
    return folder / f"events.out.tfevents.{stamp:010d}.{socket.gethostname()}.{os.getpid()}"
