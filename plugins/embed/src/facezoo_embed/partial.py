"""The folder of an unfinished embedding job: whose it is, and what has been computed so far.

`job.json` is sealed and says that facezoo made the folder, and all that decides the rows; the rows and their
journal lie beside it (see `journal`), and `.lock`, which the process that is at work holds. A folder of that
name without such a `job.json` is somebody else's and is left alone.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final
from zipfile import BadZipFile, ZipFile

import numpy as np
import numpy.typing as npt

from facezoo.data.faces import LeftOut, printable
from facezoo.disk.claims import LOCK, claim
from facezoo.disk.durable import drop_folders, make_folders, sync
from facezoo.disk.remains import clear_remains, is_remains
from facezoo.disk.sealed import read_sealed, write_sealed
from facezoo.errors import FacezooError
from facezoo_embed.journal import LINES, ROWS, Journal

JOB: Final = "job.json"
WHOLE: Final = "whole.npz"
MAKER: Final = "facezoo embed, 2"
"""Its number goes up whenever the files in the folder change their meaning."""
OURS: Final = (WHOLE, ROWS, LINES, JOB, LOCK)
"""In the order in which they are removed: what a kill leaves is still recognised by its job."""


class Partial:
    """A job's folder in this process's hands. `done` images are behind it; `paths` are those with a row."""

    def __init__(self, folder: Path, job: Mapping[str, Any], width: int) -> None:
        self.folder, self.job = folder, job
        self.done, self.paths, self.left_out = 0, list[str](), list[LeftOut]()
        self.damaged = 0
        """Batches that were there, were damaged and are computed again."""
        self.journal = Journal(folder, width)

    def begin_or_go_on(self) -> None:
        """Take what is there and whole; FacezooError where it is another job's, or nothing can be written."""
        with self._written():
            if not (self.folder / JOB).exists():
                self._begin()
            _check_job(self.folder, self.job)
            for batch in self.journal.read():
                self._take(batch)
            self.damaged = self.journal.cut()

    def add(
        self, images: int, paths: list[str], rows: npt.NDArray[np.float32], reasons: Mapping[str, str]
    ) -> None:
        """Keep a batch: how many images it was made from, and rows for the paths that could be decoded."""
        batch = {"images": images, "paths": paths, "left_out": dict(reasons)}
        with self._written():
            self.journal.add(batch, rows)
        self._take(batch)

    def finish(self, out: Path) -> None:
        """Put everything into the npz `out`; FacezooError where the rows are not those that were computed."""
        making = self.folder / WHOLE
        with self._written():
            if not self.journal.is_intact():
                message = f"{printable(str(self.folder))}: was changed while the images were embedded"
                raise FacezooError(message, "The same command computes again what is damaged.")
            try:
                self._save(making)
                refuse_existing(out)
                making.replace(out)
            finally:
                making.unlink(missing_ok=True)  # half of it would only fill the disk
            sync(out.parent)

    def remove(self) -> None:
        """Take away what is facezoo's in the folder, and the folder if that was all."""
        clear_remains(self.folder)
        for name in OURS:
            with suppress(OSError):
                (self.folder / name).unlink(missing_ok=True)
        with suppress(OSError):
            self.folder.rmdir()

    def _begin(self) -> None:
        try:
            write_sealed(self.folder / JOB, {"made_by": MAKER, "job": self.job})
        except OSError:
            self.remove()
            raise

    def _save(self, making: Path) -> None:
        shape = (len(self.paths), self.journal.width)
        rows = np.memmap(self.folder / ROWS, "<f4", mode="r", shape=shape)
        about = np.array(json.dumps(self.job, ensure_ascii=False))
        making.unlink(missing_ok=True)  # of a process that was killed, or a link
        with making.open("xb") as file:
            np.savez(file, path=np.array(self.paths), embedding=rows, about=about)
        del rows  # a mapped file cannot be removed everywhere
        sync(making)
        with ZipFile(making) as archive:  # what was written is what is there
            if damaged := archive.testzip():
                raise OSError(None, f"{damaged} is damaged right after it was written")

    def _take(self, batch: Mapping[str, Any]) -> None:
        self.done += batch["images"]
        self.paths += batch["paths"]
        self.left_out += [LeftOut(path, reason) for path, reason in batch["left_out"].items()]

    @contextmanager
    def _written(self) -> Iterator[None]:
        try:
            yield
        except (OSError, BadZipFile) as problem:
            raise _unwritable(self.folder, problem, self.done) from problem


@contextmanager
def open_partial(folder: Path, job: Mapping[str, Any], width: int) -> Iterator[Partial]:
    """The folder of a job whose rows have `width` numbers, begun or gone on with.

    It goes when the block ends, and stays if the block fails with images done. Raises `ClaimedError` where
    another process has it, and FacezooError where it is another job's, was not made by facezoo, or cannot be
    written.
    """
    _check_maker(folder)
    try:
        made = make_folders(folder)
    except OSError as problem:
        raise _unwritable(folder, problem, 0) from problem
    partial = Partial(folder, job, width)
    try:
        with claim(folder, "embedding", "Wait for it, or give another name for the embeddings (-o)."):
            partial.begin_or_go_on()
            try:
                yield partial
            except BaseException:
                if not partial.done:
                    partial.remove()
                raise
            partial.remove()
    finally:
        drop_folders(made)


def refuse_existing(out: Path) -> None:
    """FacezooError where anything stands at `out`, a link that leads nowhere included."""
    if os.path.lexists(out):
        raise FacezooError(f"{printable(str(out))}: exists already", "Give another name, or remove it.")


def _check_maker(folder: Path) -> None:
    """FacezooError for anything but a folder of facezoo's, or one with nothing in it."""
    if not os.path.lexists(folder):
        return
    try:
        if not folder.is_symlink() and (_is_empty(folder) or _job(folder) is not None):
            return
    except (OSError, ValueError):
        pass  # no folder, or nothing that facezoo wrote as it is
    message = f"{printable(str(folder))}: this facezoo did not make it, or its {JOB} is damaged"
    raise FacezooError(message, "Move it away, or give another name for the embeddings (-o).")


def _is_empty(folder: Path) -> bool:
    # a kill right after the folder was made leaves this much
    return all(path.name == LOCK or is_remains(path) for path in folder.iterdir())


def _job(folder: Path) -> Any:
    content = read_sealed(folder / JOB)
    return content.get("job") if content.get("made_by") == MAKER else None


def _check_job(folder: Path, job: Mapping[str, Any]) -> None:
    there = _job(folder)
    changed = [key for key, value in job.items() if there.get(key) != value and key != "checkpoint"]
    if changed:
        message = f"{printable(str(folder))}: was begun with other {' and '.join(changed)}"
        raise FacezooError(message, "Remove this folder, or give another name for the embeddings (-o).")


def _unwritable(folder: Path, problem: Exception, done: int) -> FacezooError:
    reason = getattr(problem, "strerror", None) or problem
    stays = f"{done:,} images are done and stay there; once it can be written, the same command goes on."
    choose = "Free some space, or choose another place for the embeddings (-o)."
    message = f"{printable(str(folder))}: cannot be written ({reason})"
    return FacezooError(message, stays if done else choose)
