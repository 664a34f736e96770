"""Checkpoints on disk: folders of safetensors and JSON that appear whole or not at all.

Torch is imported only where tensors are read or written, so that a checkpoint can be described without it.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from facezoo._words import this_python
from facezoo.disk.durable import sync, write_json
from facezoo.errors import FacezooError
from facezoo.registry import installed_heads

if TYPE_CHECKING:
    from torch import Tensor, nn

FOLDER: Final = "checkpoints"
METADATA: Final = "checkpoint.json"
BEST: Final = "best.json"
FORMAT: Final = 1
"""Raised whenever a checkpoint's files change their meaning."""


def write_checkpoint(
    run_dir: Path,
    step: int,
    parts: Mapping[str, Mapping[str, Tensor]],
    metadata: Mapping[str, Any],
    keep: int,
) -> Path:
    """Write `checkpoints/step-N` with one safetensors file a part, then drop all but the last `keep` and the
    best.

    Everything is written and synced under another name first, so a kill at any instant leaves the checkpoints
    that were there. Raises FacezooError where the files cannot be written; the earlier checkpoints stay.
    """
    final = run_dir / FOLDER / f"step-{step}"
    making = final.with_name(f".{final.name}.tmp")
    try:
        _clear_remains(final.parent)
        making.mkdir(parents=True)
        _write_parts(making, parts)
        write_json(making / METADATA, {"format": FORMAT, "step": step, **metadata})
        if final.exists():
            _retire(final)
        making.rename(final)
        sync(final.parent)
    except (OSError, _safetensors_error()) as problem:
        shutil.rmtree(making, ignore_errors=True)
        message = f"{final}: the checkpoint cannot be written ({problem})"
        raise FacezooError(
            message, f"{_what_stays(run_dir)} Free some space, then use --resume."
        ) from problem
    _keep_last(run_dir, keep)
    return final


def name_best(run_dir: Path, step: int, pairs: str, accuracy: float, keep: int) -> None:
    """Name the checkpoint at `step` the best so far: it is not dropped until another one is named.

    The one that was the best goes, unless it is one of the last `keep`. Raises FacezooError where the file
    cannot be written.
    """
    path = run_dir / FOLDER / BEST
    try:
        write_json(path, {"step": step, "pairs": pairs, "accuracy": accuracy})
    except OSError as problem:
        message = f"{path}: cannot be written ({problem})"
        raise FacezooError(
            message, f"{_what_stays(run_dir)} Free some space, then use --resume."
        ) from problem
    _keep_last(run_dir, keep)


def best_checkpoint(run_dir: Path) -> dict[str, Any] | None:
    """`step`, `pairs` and `accuracy` of the best checkpoint by verification, or None before there is one.

    FacezooError where the file that names it cannot be read.
    """
    path = run_dir / FOLDER / BEST
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return {"step": int(content["step"]), "pairs": content["pairs"], "accuracy": content["accuracy"]}
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as problem:
        message = f"{path}: cannot be read ({problem})"
        raise FacezooError(message, "Delete it: it only names the best checkpoint.") from problem


def latest_checkpoint(run_dir: Path) -> Path | None:
    """The checkpoint with the most steps behind it, or None before the first one."""
    found = _checkpoints(run_dir)
    return found[-1] if found else None


def find_checkpoint(path: Path) -> Path:
    """`path` if it is a checkpoint, the latest one in it if it is a run directory; else FacezooError."""
    if (path / METADATA).is_file():
        return path
    found = latest_checkpoint(path)
    if found is None:
        message = f"{path}: neither a checkpoint nor a run directory with one"
        raise FacezooError(message, "Give the directory of a run (facezoo train), or its checkpoints/step-N.")
    return found


def read_metadata(checkpoint: Path) -> dict[str, Any]:
    """What a checkpoint's JSON says of it; FacezooError where it is missing, damaged or of another format."""
    path = checkpoint / METADATA
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise FacezooError(
            f"{path}: cannot be read ({problem})", "Use another checkpoint of the run."
        ) from problem
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        found = content.get("format") if isinstance(content, dict) else None
        message = f"{path}: checkpoint format {found!r}; this facezoo reads {FORMAT}"
        raise FacezooError(message, "Use the facezoo that wrote it.")
    return content


def require_head(checkpoint: Path, metadata: Mapping[str, Any]) -> None:
    """FacezooError where no distribution offers the head that a run's checkpoint was trained with."""
    saved = metadata["head"]
    if all(entry.name != saved["name"] for entry in installed_heads()):
        came = f"came with {saved['distribution']} {saved['version']}"
        message = f"{checkpoint}: its head {saved['name']!r} {came}, and is not installed for {this_python()}"
        hint = "Install it there, or use the environment that trained it. Embedding images needs no head."
        raise FacezooError(message, hint)


def read_part(checkpoint: Path, part: str) -> dict[str, Tensor]:
    """One part's tensors by name; FacezooError where the file is missing or cut short."""
    from safetensors.torch import load_file

    path = checkpoint / f"{part}.safetensors"
    try:
        tensors: dict[str, Tensor] = load_file(path)
    except (OSError, _safetensors_error()) as problem:
        raise FacezooError(
            f"{path}: cannot be read ({problem})", "Use another checkpoint of the run."
        ) from problem
    return tensors


def load_weights(module: nn.Module, tensors: Mapping[str, Tensor], checkpoint: Path) -> None:
    """Put a checkpoint's tensors into a module; FacezooError where names or shapes differ."""
    try:
        module.load_state_dict(dict(tensors))
    except RuntimeError as problem:
        message = f"{checkpoint}: its tensors do not fit this run's {type(module).__name__}: {problem}"
        raise FacezooError(message, "Use the versions that checkpoint.json names.") from problem


def _write_parts(folder: Path, parts: Mapping[str, Mapping[str, Tensor]]) -> None:
    from safetensors.torch import save_file

    for part, tensors in parts.items():
        path = folder / f"{part}.safetensors"
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path)
        sync(path)


def _checkpoints(run_dir: Path) -> list[Path]:
    """Whole checkpoints, by rising step."""
    found = {}
    folder = run_dir / FOLDER
    for path in folder.iterdir() if folder.is_dir() else []:
        match = re.fullmatch(r"step-(\d+)", path.name)
        if match:
            found[int(match[1])] = path
    return [found[step] for step in sorted(found)]


def _keep_last(run_dir: Path, keep: int) -> None:
    best = best_checkpoint(run_dir)
    for old in _checkpoints(run_dir)[:-keep]:
        if best is None or old.name != f"step-{best['step']}":
            _retire(old)


def _retire(checkpoint: Path) -> None:
    # renamed first: deleting takes several steps, and half a checkpoint must not look like one
    doomed = checkpoint.with_name(f".{checkpoint.name}.old")
    _discard(doomed)
    checkpoint.rename(doomed)
    _discard(doomed)


def _clear_remains(folder: Path) -> None:
    """Delete what a kill in the middle of a save, or of a deletion, left behind."""
    for remains in [*folder.glob(".step-*.tmp"), *folder.glob(".step-*.old")]:
        shutil.rmtree(remains)


def _discard(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


def _what_stays(run_dir: Path) -> str:
    last = latest_checkpoint(run_dir)
    return f"The last good one is {last}." if last else "There is no earlier one."


def _safetensors_error() -> type[Exception]:
    from safetensors import SafetensorError

    error: type[Exception] = SafetensorError
    return error
