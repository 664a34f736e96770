"""Checkpoints as they are read: every file against its digest, every value against its type.

Torch is imported only where tensors are read, so that a checkpoint can be described without it.
"""

from __future__ import annotations

import hashlib
import shlex
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from facezoo._words import cut, first_line, printable, shown
from facezoo.disk.reading import check_regular
from facezoo.disk.sealed import read_perhaps_sealed
from facezoo.errors import FacezooError
from facezoo.runs.places import BEST, EVALUATION, FOLDER, METADATA, checkpoints_before, run_of
from facezoo.runs.records import FORMAT, Best, Checkpoint, Evaluation, Record

if TYPE_CHECKING:
    from torch import Tensor

PARTS: Final = ("model", "head", "optimizer")
"""The parts of a run's checkpoint; imported weights have the first one."""
SUFFIX: Final = ".safetensors"


class _DamagedError(Exception):
    """A file of a checkpoint is not what it must be: its name, and what is wrong."""


def read_metadata(checkpoint: Path) -> dict[str, Any]:
    """What a checkpoint's JSON says of it, less its seal.

    FacezooError where it is missing, damaged or of another format, or where a value is not what it must be.
    """
    with _told(checkpoint):
        return _metadata(checkpoint)


def read_part(checkpoint: Path, part: str) -> dict[str, Tensor]:
    """One part's tensors by name, verified.

    FacezooError where the file is missing, damaged, or holds a number that is not finite.
    """
    with _told(checkpoint):
        name = f"{part}{SUFFIX}"
        _verify(checkpoint, name, _metadata(checkpoint))
        return _tensors(checkpoint / name)


def verify_files(checkpoint: Path, metadata: Mapping[str, Any]) -> bool:
    """Whether a checkpoint has digests; FacezooError where one of its files does not agree with them."""
    with _told(checkpoint):
        for name in metadata.get("files", {}):
            _verify(checkpoint, name, metadata)
    return "files" in metadata


def best_checkpoint(run_dir: Path) -> dict[str, Any] | None:
    """`step`, `pairs`, `figure`, its `value` and what is `better` of the best checkpoint by verification, and
    its `accuracy` where that is the figure; None before there is one.

    FacezooError where the file that names it cannot be read.
    """
    hint = "Delete it: it only names the best checkpoint."
    found = _record(run_dir / FOLDER / BEST, Best, hint)
    if found is None:
        return None
    whole = {"figure": "accuracy", "value": found.get("accuracy"), "better": "higher", **found}
    return {key: whole[key] for key in (*Best.model_fields,) if key in whole}


def read_evaluation(run_dir: Path) -> dict[str, Any] | None:
    """What a run's evaluation.json holds, or None before there is one; FacezooError where it is damaged."""
    hint = f"Delete it: facezoo train --resume {shlex.quote(str(run_dir))} makes it again."
    return _record(run_dir / EVALUATION, Evaluation, hint)


def file_digest(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal. Raises OSError, also where it is no regular file."""
    check_regular(path)
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def not_finite(tensors: Mapping[str, Tensor]) -> list[str]:
    """The names of those that hold NaN or infinity."""
    return [
        name
        for name, tensor in tensors.items()
        if tensor.is_floating_point() and not bool(tensor.isfinite().all())
    ]


def lacking(metadata: Mapping[str, Any]) -> str:
    """What an earlier facezoo did not yet write into a checkpoint, in words; empty where nothing lacks."""
    found = []
    if "files" not in metadata:
        found.append("no digests, so that damage to its files is not noticed")
    if "data" in metadata and "content" not in metadata["data"]:
        found.append("no fingerprint of what is in the images: their names and sizes are compared")
    return "; ".join(found)


def warn_of_lacking(checkpoint: Path, metadata: Mapping[str, Any]) -> None:
    """Warn, in one line, of what an earlier facezoo did not yet write."""
    if lacks := lacking(metadata):
        warnings.warn(f"{checkpoint}: of an earlier facezoo, with {lacks}", stacklevel=2)


def _record(path: Path, model: type[Record], hint: str) -> dict[str, Any] | None:
    if not path.exists():
        return None
    try:
        content, _ = read_perhaps_sealed(path)
        _check(content, model)
    except (OSError, ValueError) as problem:
        raise FacezooError(f"{path}: cannot be read ({_reason(problem)})", hint) from problem
    return content


def _metadata(checkpoint: Path) -> dict[str, Any]:
    path = checkpoint / METADATA
    try:
        content, sealed = read_perhaps_sealed(path)
        if content.get("format") == FORMAT:
            _check(content, Checkpoint)
            if sealed != ("files" in content):
                raise ValueError(f"it has lost its {'list of files' if sealed else 'seal'}")
            return content
    except (OSError, ValueError) as problem:
        reason = _reason(problem) if path.exists() else "it is not there"
        raise _DamagedError(METADATA, f"cannot be read ({reason})") from problem
    found = f"checkpoint format {shown(content.get('format'))}; this facezoo reads {FORMAT}"
    raise FacezooError(f"{path}: {found}", "Use the facezoo that wrote it.")


def _verify(checkpoint: Path, name: str, metadata: Mapping[str, Any]) -> None:
    """Hold one file against its digest; an earlier checkpoint, without digests, passes."""
    files = metadata.get("files")
    if files is None:
        return
    if name not in files:
        raise _DamagedError(name, f"not a file of this checkpoint, which has {', '.join(files)}")
    try:
        found = file_digest(checkpoint / name)
    except OSError as problem:
        raise _DamagedError(name, f"cannot be read ({_reason(problem)})") from problem
    if found != files[name]:
        raise _DamagedError(name, f"damaged: its SHA-256 is not the one that {METADATA} has")


def _tensors(path: Path) -> dict[str, Tensor]:
    from safetensors.torch import load_file

    try:
        check_regular(path)
        tensors: dict[str, Tensor] = load_file(path)
        bad = not_finite(tensors)
    except Exception as problem:  # what is damaged fails in many ways
        raise _DamagedError(path.name, f"cannot be read ({first_line(problem)})") from problem
    if bad:
        more = f" (and {len(bad) - 1:,} more)" if len(bad) > 1 else ""
        raise _DamagedError(path.name, f"its tensor {shown(bad[0])}{more} is not finite")
    return tensors


def _check(content: Mapping[str, Any], model: type[Record]) -> None:
    try:
        model.model_validate(content)
    except ValidationError as error:
        details = error.errors(include_url=False)
        first = details[0]
        where = ".".join(str(part) for part in first["loc"])
        said = f"{where}: {first['msg'].lower()}" if where else first["msg"]
        value = "" if first["type"] == "missing" or not where else f"; it is {shown(first['input'])}"
        more = f"; and {len(details) - 1:,} more" if len(details) > 1 else ""
        raise ValueError(f"{cut(said)}{value}{more}") from error


def _reason(problem: OSError | ValueError) -> str:
    return (problem.strerror if isinstance(problem, OSError) else None) or cut(printable(str(problem)))


@contextmanager
def _told(checkpoint: Path) -> Iterator[None]:
    """Turn damage into an error that names the last good checkpoint, and how to go on from there."""
    try:
        yield
    except _DamagedError as damage:
        name, what = damage.args
        raise FacezooError(f"{checkpoint / name}: {what}", _remedy(checkpoint)) from damage


def _remedy(checkpoint: Path) -> str:
    run_dir = run_of(checkpoint)
    if run_dir is None:
        return "Get the folder again where it came from."
    good = next(filter(_is_whole, checkpoints_before(checkpoint)), None)
    if good is None:
        return "No whole checkpoint lies before it: get this one back, or begin a new run."
    aside, run = shlex.quote(str(run_dir / f"{checkpoint.name}.damaged")), shlex.quote(str(run_dir))
    return (
        f"The last good one before it is {good}. To go on from there: "
        f"mv {shlex.quote(str(checkpoint))} {aside}, then facezoo train --resume {run}"
    )


def _is_whole(checkpoint: Path) -> bool:
    try:
        metadata = _metadata(checkpoint)
        for name in metadata.get("files", [f"{part}{SUFFIX}" for part in PARTS]):
            _verify(checkpoint, name, metadata)
    except (_DamagedError, FacezooError):
        return False
    return all((checkpoint / f"{part}{SUFFIX}").is_file() for part in PARTS)
