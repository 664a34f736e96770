"""The run directory: what may lie in it, whether that is a run, and how a new one begins."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from facezoo.disk.durable import drop_folders, make_folders, write_text
from facezoo.disk.reading import kind_of
from facezoo.errors import FacezooError
from facezoo.runs.claim import LOCK, claim
from facezoo.runs.places import EVALUATION, FOLDER, latest_checkpoint, step_of
from facezoo.runs.written import NAME as METRICS
from facezoo.runs.written import read_written
from facezoo.settings import RunSettings, to_toml

CONFIG: Final = "resolved.toml"
LEFT_OUT: Final = "left_out.txt"
ELSEWHERE: Final = "Move it out of the run directory, or choose another one (--out)."
SIGNATURE: Final = "# facezoo "
"""How every resolved.toml that facezoo wrote begins."""


def check_directory(run_dir: Path) -> None:
    """FacezooError where a part of a run directory is a link or of another kind than facezoo makes it.

    Nothing is written through a link: what it points to is not this run's. The directory itself may be one.
    """
    for name in (CONFIG, METRICS, EVALUATION, LEFT_OUT, LOCK, FOLDER):
        path = run_dir / name
        kind = _kind(path)
        wanted = "a folder" if name == FOLDER else "a file"
        if kind not in {"", wanted}:
            message = f"{path}: is {kind}, where a run has {wanted}"
            raise FacezooError(message, ELSEWHERE)
    for path in (run_dir / FOLDER).glob("step-*"):
        if step_of(path) is not None and _kind(path) not in {"a folder", "a link"}:  # links are replaced
            raise FacezooError(f"{path}: is {_kind(path)}, where a checkpoint is a folder", ELSEWHERE)


def holds_run(run_dir: Path) -> bool:
    """Whether something of a run would be lost with `run_dir`: a checkpoint, figures, the line of a step.

    A start that failed, or was killed before its first step, leaves none of them.
    """
    if latest_checkpoint(run_dir) is not None or (run_dir / EVALUATION).exists():
        return True
    written = read_written(run_dir)
    if written.damaged or any(line.get("event") is None for line in written.lines):
        return True
    return not _is_ours(run_dir / CONFIG)


def config_of(run_dir: Path) -> Path:
    """The file with the settings of the run in a directory; FacezooError where there is none."""
    config = run_dir / CONFIG
    if not config.is_file():
        message = f"{run_dir}: holds no run to resume (there is no {CONFIG})"
        raise FacezooError(message, "Give the directory of a run that was begun with `facezoo train`.")
    return config


def refuse_run(run_dir: Path) -> None:
    """FacezooError where a new run cannot begin in `run_dir` because there is one, or something else is."""
    with writing(run_dir):
        _check_writable(next(place for place in (run_dir, *run_dir.absolute().parents) if place.exists()))
    check_directory(run_dir)
    if holds_run(run_dir):
        if (run_dir / CONFIG).exists():
            hint = f"Go on with it (--resume {run_dir}), or choose another directory (--out)."
        else:
            hint = f"Its {CONFIG} is missing. Choose another directory (--out), or move this one away."
        raise FacezooError(f"{run_dir}: holds a run already", hint)


def refuse_claimed(run_dir: Path) -> None:
    """`ClaimedError` where another process has begun in `run_dir`; to be told before hours of opening."""
    if (run_dir / LOCK).exists():
        with claim(run_dir):
            pass


@contextmanager
def begin(run_dir: Path, settings: RunSettings) -> Iterator[bool]:
    """Make and claim `run_dir`, and write the settings there; yields whether a failed start lay there.

    Where the block fails before it has computed a step, everything that was made for it goes again, folders
    and lock included. Raises FacezooError where there is a run or nothing can be written, and `ClaimedError`
    where another process was faster.
    """
    text = _printable(to_toml(settings))
    with writing(run_dir):
        made = make_folders(run_dir)
    try:
        new_lock = not (run_dir / LOCK).exists()
        with claim(run_dir):
            refuse_run(run_dir)
            taken_over = (run_dir / CONFIG).exists()
            try:
                with writing(run_dir):
                    (run_dir / METRICS).unlink(missing_ok=True)
                    write_text(run_dir / CONFIG, text)
                yield taken_over
            except BaseException:
                _clear(run_dir, new_lock)
                raise
    except BaseException:
        drop_folders(made)
        raise


@contextmanager
def writing(path: Path, hint: str = "Choose another directory (--out).") -> Iterator[None]:
    """Make a FacezooError with `hint` of what goes wrong in writing `path`."""
    try:
        yield
    except OSError as problem:
        message = f"{path}: cannot be written ({problem.strerror or problem})"
        raise FacezooError(message, hint) from problem


def _check_writable(folder: Path) -> None:
    """OSError where nothing can be made in `folder`; to be told before hours of opening."""
    if not folder.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, f"{folder} is not a directory")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, f"no permission to write in {folder}")


def _clear(run_dir: Path, new_lock: bool) -> None:
    """Take away what `begin` and the first instants of a run wrote, unless there is something to keep."""
    with suppress(FacezooError, OSError):
        if not holds_run(run_dir):
            for name in (CONFIG, METRICS, LEFT_OUT):
                (run_dir / name).unlink(missing_ok=True)
            if new_lock:  # while it is held, so that nobody comes to hold a lock that has no name any more
                (run_dir / LOCK).unlink()


def _is_ours(config: Path) -> bool:
    """Whether the settings there, if any, were written by facezoo, so that they may be replaced."""
    try:
        with config.open("rb") as file:
            return file.read(len(SIGNATURE)) == SIGNATURE.encode()
    except FileNotFoundError:
        return True
    except OSError:
        return False


def _kind(path: Path) -> str:
    """What lies at `path`, in words; nothing where nothing does."""
    try:
        return kind_of(path.lstat().st_mode)
    except FileNotFoundError:
        return ""
    except OSError as problem:
        return f"out of reach ({problem.strerror})"


def _printable(text: str) -> str:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as problem:
        line = text[text.rfind("\n", 0, problem.start) + 1 :].splitlines()[0]
        shown = line.encode("utf-8", "backslashreplace").decode()
        message = f"{CONFIG}: cannot keep what is no UTF-8 text: {shown}"
        raise FacezooError(message, "Rename that file or folder.") from problem
    return text
