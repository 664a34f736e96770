"""Published weights of insightface's backbones, as folders that a run can start from.

This is the one file that calls `torch.load`: insightface publishes nothing but pickled state dicts. It is
called with `weights_only=True`, which admits tensors and plain containers and runs no code.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from math import isqrt
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError
from torch import Tensor

from facezoo._version import installed_version
from facezoo._words import first_line
from facezoo.backbones import build_backbone
from facezoo.backbones.iresnet import STRIDE
from facezoo.data.faces import printable
from facezoo.data.preprocessing import Preprocessing
from facezoo.disk.durable import whole_folder
from facezoo.errors import FacezooError
from facezoo.training.checkpoint import FORMAT, write_contents
from facezoo.training.provenance import backbone_provenance

CANDIDATES: Final = ("iresnet18", "iresnet34", "iresnet50", "iresnet100", "mobilefacenet")
ALIGNMENT: Final = "insightface 5-point template"
WRAPPERS: Final = ("state_dict_backbone", "state_dict")
"""Names under which training checkpoints hold the backbone's tensors."""
COUNTERS: Final = "num_batches_tracked"
SHOWN: Final = 5


@dataclass(frozen=True)
class Imported:
    """Weights that fit a backbone: tensors by name, float32 where they are floating-point."""

    backbone: str
    dim: int
    size: int
    tensors: Mapping[str, Tensor]


@dataclass(frozen=True)
class Mismatch:
    """How a file's tensors differ from a backbone's."""

    backbone: str
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    shapes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.missing) + len(self.unexpected) + len(self.shapes)

    def __str__(self) -> str:
        parts = {"missing": self.missing, "unknown": self.unexpected, "of another shape": self.shapes}
        return "; ".join(
            f"{len(names):,} {kind}: {', '.join(names[:SHOWN])}{', ...' if len(names) > SHOWN else ''}"
            for kind, names in parts.items()
            if names
        )


def import_weights(path: Path, out: Path, backbone: str | None = None) -> Imported:
    """Write the weights in `path`, an insightface .pth, as the folder `out`, which holds none yet.

    `out` gets `model.safetensors` and `checkpoint.json` with the preprocessing contract of those weights, and
    appears whole or not at all. The backbone is told by the names and shapes unless it is given. Raises
    FacezooError where the file is no such state dict, fits no backbone (saying what is missing), or `out`
    cannot be written.
    """
    if out.exists():
        message = f"{printable(str(out))}: exists already"
        raise FacezooError(message, "Name a folder that is not there yet (--out).")
    imported = recognise(read_state(path), printable(str(path)), backbone)
    _write(out, imported, {"file": printable(path.name), "sha256": _digest(path)})
    return imported


def read_state(path: Path) -> dict[str, Tensor]:
    """The tensors of a .pth by name, without data-parallel training's prefixes; FacezooError for others."""
    where = printable(str(path))
    try:
        loaded = torch.load(path, map_location="cpu", weights_only=True)  # noqa: TID251  see the module's text
    except OSError as problem:
        raise FacezooError(f"{where}: cannot be read ({problem.strerror or problem})") from problem
    except Exception as problem:  # unpickling fails in as many ways as there are files
        message = f"{where}: not a file of weights that can be read safely ({first_line(problem)})"
        raise FacezooError(
            message, "Give a state dict that torch.save wrote: a .pth of tensors."
        ) from problem
    for wrapper in WRAPPERS:
        if isinstance(loaded, dict) and isinstance(loaded.get(wrapper), dict):
            loaded = loaded[wrapper]
    if not isinstance(loaded, dict) or not loaded or not all(map(_is_tensor, loaded.items())):
        message = f"{where}: holds a {type(loaded).__name__}, not tensors by name"
        raise FacezooError(message, "Give a backbone's state dict, such as insightface publishes.")
    return {name.removeprefix("module."): _float(tensor) for name, tensor in loaded.items()}


def recognise(state: Mapping[str, Tensor], where: str, backbone: str | None = None) -> Imported:
    """The backbone that these tensors fit, name by name and shape by shape.

    Counters of batch normalisation that older files lack are put in as zeros. Raises FacezooError, beginning
    with `where`, with what is missing, unknown or of another shape in the nearest backbone, and where a
    weight is not finite.
    """
    for name, tensor in state.items():
        if not bool(torch.isfinite(tensor).all()):
            raise FacezooError(f"{where}: {name} is not finite", "The file is damaged: get it again.")
    dim, size = _dimensions(state)
    mismatches = []
    for name in (backbone,) if backbone else CANDIDATES:
        with torch.device("meta"):
            wanted = build_backbone(name, dim, size).state_dict()
        complete = _with_counters(state, wanted)
        mismatch = _compare(name, complete, wanted)
        if not mismatch:
            return Imported(name, dim, size, complete)
        mismatches.append(mismatch)
    nearest = min(mismatches, key=len)
    message = f"{where}: does not fit {nearest.backbone} (dim {dim}, size {size}): {nearest}"
    raise FacezooError(message, f"Backbones that can be imported: {', '.join(CANDIDATES)}.")


def _is_tensor(item: tuple[object, object]) -> bool:
    return isinstance(item[0], str) and isinstance(item[1], Tensor)


def _float(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.is_floating_point() else tensor


def _dimensions(state: Mapping[str, Tensor]) -> tuple[int, int]:
    """Embedding size and input side, as the last layers' shapes tell; 512 and 112 where they do not."""
    if "fc.weight" in state and state["fc.weight"].ndim == 2:
        dim, inside = state["fc.weight"].shape
        return max(dim, 1), STRIDE * max(isqrt(inside // 512), 1)
    whole, fc = state.get("features.layers.0.layers.0.weight"), state.get("features.layers.2.weight")
    if whole is not None and whole.ndim == 4 and fc is not None and fc.ndim == 2:
        return max(len(fc), 1), STRIDE * whole.shape[-1]
    return 512, 112


def _with_counters(state: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    counters = [name for name in wanted if name.endswith(COUNTERS) and name not in state]
    return {**state, **{name: torch.zeros((), dtype=torch.int64) for name in counters}}


def _compare(backbone: str, state: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> Mismatch:
    shapes = [
        f"{name} ({list(state[name].shape)} there, {list(tensor.shape)} in {backbone})"
        for name, tensor in wanted.items()
        if name in state and state[name].shape != tensor.shape
    ]
    missing = [name for name in wanted if name not in state]
    return Mismatch(
        backbone, tuple(missing), tuple(name for name in state if name not in wanted), tuple(shapes)
    )


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write(out: Path, imported: Imported, origin: Mapping[str, Any]) -> None:
    metadata = {
        "format": FORMAT,
        "step": 0,
        "imported": origin,
        "backbone": backbone_provenance(imported.backbone, imported.dim),
        "preprocessing": Preprocessing(imported.size, ALIGNMENT).as_dict(),
        "versions": {"facezoo": installed_version(), "torch": torch.__version__},
    }
    try:
        with whole_folder(out) as making:
            write_contents(making, {"model": imported.tensors}, metadata)
    except (OSError, SafetensorError) as problem:
        message = f"{printable(str(out))}: cannot be written ({problem})"
        raise FacezooError(message, "Free some space, or name another folder (--out).") from problem
