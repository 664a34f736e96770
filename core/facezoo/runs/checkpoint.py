"""Checkpoints on disk: folders of safetensors and JSON that appear whole or not at all.

They are written here, found by `places` and read by `verified`. Torch is imported only where tensors are
written.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from facezoo.disk.durable import whole_folder
from facezoo.disk.remains import clear_remains, discard
from facezoo.disk.sealed import write_sealed
from facezoo.errors import FacezooError
from facezoo.runs.places import BEST, FOLDER, METADATA, checkpoints, latest_checkpoint
from facezoo.runs.records import FORMAT
from facezoo.runs.verified import PARTS, SUFFIX, best_checkpoint, file_digest

if TYPE_CHECKING:
    from torch import Tensor

_OLD_REMAINS: Final = re.compile(r"\.step-[0-9]+\.(tmp|old)")
"""What an earlier facezoo called a checkpoint that it was making, or deleting."""
_OLD_FILES: Final = {f"{part}{SUFFIX}" for part in PARTS} | {METADATA, f".{METADATA}.tmp"}


def write_checkpoint(
    run_dir: Path,
    step: int,
    parts: Mapping[str, Mapping[str, Tensor]],
    metadata: Mapping[str, Any],
    keep: int,
) -> Path:
    """Write `checkpoints/step-N` with one safetensors file per part, then drop all but the last `keep` and
    the best.

    Everything is written and synced under another name first, so a kill at any instant leaves the checkpoints
    that were there. Raises FacezooError where the files cannot be written; the earlier checkpoints stay.
    """
    final = run_dir / FOLDER / f"step-{step}"
    try:
        _refuse_link(run_dir)
        _clear_remains(final.parent)
        if final.is_symlink():
            final.unlink()
        with whole_folder(final, replace=True) as making:
            write_contents(making, parts, {"format": FORMAT, "step": step, **metadata})
    except (OSError, _safetensors_error()) as problem:
        message = f"{final}: the checkpoint cannot be written ({problem})"
        raise FacezooError(
            message, f"{_what_stays(run_dir)} Free some space, then use --resume."
        ) from problem
    _keep_last(run_dir, keep)
    return final


def write_contents(folder: Path, parts: Mapping[str, Mapping[str, Tensor]], about: Mapping[str, Any]) -> None:
    """Write one safetensors file per part into `folder`, and `about` with their digests as checkpoint.json.

    Raises OSError, or SafetensorError, where that fails.
    """
    from safetensors.torch import save_file

    for part, tensors in parts.items():
        path = folder / f"{part}{SUFFIX}"
        save_file(_apart(tensors), path)
    files = {f"{part}{SUFFIX}": file_digest(folder / f"{part}{SUFFIX}") for part in parts}
    write_sealed(folder / METADATA, {**about, "files": files})


def _apart(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors in memory of their own, as safetensors wants them: tied weights are written twice."""
    apart, taken = {}, set[int]()
    for name, tensor in tensors.items():
        own = tensor.contiguous()
        place = own.untyped_storage().data_ptr()
        apart[name] = own.clone() if place in taken else own
        taken.add(place)
    return apart


def name_best(
    run_dir: Path,
    step: int,
    pairs: str,
    value: float | None,
    keep: int,
    *,
    figure: str = "accuracy",
    better: str = "higher",
) -> None:
    """Name the checkpoint at `step` the best so far, by the `value` of a figure: it is not dropped until
    another one is named.

    The one that was the best goes, unless it is one of the last `keep`. Raises FacezooError where the file
    cannot be written.
    """
    path = run_dir / FOLDER / BEST
    best = {"step": step, "pairs": pairs, "figure": figure, "value": value, "better": better}
    try:
        _refuse_link(run_dir)
        write_sealed(path, best | ({"accuracy": value} if figure == "accuracy" else {}))
    except OSError as problem:
        message = f"{path}: cannot be written ({problem})"
        raise FacezooError(
            message, f"{_what_stays(run_dir)} Free some space, then use --resume."
        ) from problem
    _keep_last(run_dir, keep)


def _keep_last(run_dir: Path, keep: int) -> None:
    best = best_checkpoint(run_dir)
    for old in checkpoints(run_dir)[:-keep]:
        if best is None or old.name != f"step-{best['step']}":
            old.unlink() if old.is_symlink() else discard(old)


def _clear_remains(folder: Path) -> None:
    """Delete what a kill in the middle of a save, or of a deletion, left behind: the caller trains here."""
    clear_remains(folder)
    for path in folder.glob(".step-*"):
        named_so = _OLD_REMAINS.fullmatch(path.name) and path.is_dir() and not path.is_symlink()
        if named_so and {inner.name for inner in path.iterdir()} <= _OLD_FILES:
            shutil.rmtree(path)


def _refuse_link(run_dir: Path) -> None:
    """FacezooError where the folder of a run's checkpoints is a link: what it names is not the run's."""
    folder = run_dir / FOLDER
    if folder.is_symlink():
        message = f"{folder}: a link, and checkpoints are not written through one"
        raise FacezooError(message, "Put a folder in its place; the run directory itself may be a link.")


def _what_stays(run_dir: Path) -> str:
    last = latest_checkpoint(run_dir)
    return f"The last good one is {last}." if last else "There is no earlier one."


def _safetensors_error() -> type[Exception]:
    from safetensors import SafetensorError

    error: type[Exception] = SafetensorError
    return error
