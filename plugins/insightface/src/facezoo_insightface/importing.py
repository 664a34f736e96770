"""Published weights of insightface's backbones, as folders that a run can start from.

This is the one file that calls `torch.load`: insightface publishes nothing but pickled state dicts. It is
called with `weights_only=True`, which admits tensors and plain containers and runs no code.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from typing import Any, Final, Literal

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from facezoo._version import installed_version
from facezoo._words import first_line, printable
from facezoo.data.preprocessing import Channels, Preprocessing
from facezoo.disk.durable import whole_folder
from facezoo.errors import FacezooError
from facezoo.runs.checkpoint import write_contents
from facezoo.runs.provenance import backbone_provenance
from facezoo.runs.records import FORMAT
from facezoo.runs.verified import file_digest
from facezoo_insightface.downloads import AGAIN, STATE_DICT, check_download, is_safetensors
from facezoo_insightface.recognising import Imported, recognise

ALIGNMENT: Final = "insightface 5-point template"
WRAPPERS: Final = ("state_dict_backbone", "state_dict", "model_state_dict", "model", "backbone", "net")
"""Names under which training checkpoints hold the backbone's tensors, maybe with the classifier's."""


def import_weights(
    path: Path,
    out: Path,
    backbone: str | None = None,
    *,
    colour: Literal["RGB", "BGR"] = "RGB",
    mean: Channels = 127.5,
    std: Channels = 127.5,
) -> Imported:
    """Write the weights in `path`, an insightface .pth, as the folder `out`, where nothing is yet.

    `out` gets `model.safetensors` and `checkpoint.json` with the preprocessing contract of those weights, and
    appears whole or not at all. The backbone is told by the names and shapes unless it is given. `colour`,
    `mean` and `std` are those that the weights were trained with, in 8-bit units; the defaults are
    insightface's. Raises FacezooError where the file is no such state dict, fits no backbone (saying what is
    missing), or `out` cannot be written; nothing of it stays then.
    """
    _check_units(mean, std)
    if os.path.lexists(out):  # found out before the file is read, which may take a while
        raise _exists(out)
    imported = recognise(read_state(path), printable(str(path)), backbone)
    origin = {"file": printable(path.name), "sha256": file_digest(path)}
    _write(out, imported, origin, Preprocessing(imported.size, ALIGNMENT, colour, mean, std))
    return imported


def read_state(path: Path) -> dict[str, Tensor]:
    """The tensors of a .pth, or of safetensors, by the names they have there; FacezooError for others."""
    check_download(path)
    where = printable(str(path))
    loaded = _load_safetensors(path, where) if is_safetensors(path) else _load(path, where)
    for wrapper in WRAPPERS:
        if isinstance(loaded, dict) and isinstance(loaded.get(wrapper), dict):
            loaded = loaded[wrapper]
    if not isinstance(loaded, dict) or not loaded or not all(map(_is_tensor, loaded.items())):
        message = f"{where}: holds a {type(loaded).__name__}, not tensors by name"
        raise FacezooError(message, STATE_DICT)
    for name, tensor in loaded.items():
        if not _is_plain(tensor):
            message = f"{where}: {printable(name)} is not a plain tensor with a number per element"
            raise FacezooError(message, STATE_DICT)
    return {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in loaded.items()}


def _load(path: Path, where: str) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)  # noqa: TID251  see the module's text
    except OSError as problem:
        raise FacezooError(f"{where}: cannot be read ({problem.strerror or problem})", AGAIN) from problem
    except Exception as problem:  # unpickling fails in as many ways as there are files
        # torch's own words advise to unpickle whatever the file holds: they are not repeated
        if wanted := re.search(r"GLOBAL ([\w.]{1,80})", str(problem)):
            message = (
                f"{where}: holds more than tensors ({wanted[1]}), which is not loaded: it might run code"
            )
            raise FacezooError(message, STATE_DICT) from problem
        message = f"{where}: not a file of weights that can be read safely: it is damaged, or something else"
        raise FacezooError(message, f"{AGAIN} {STATE_DICT}") from problem


def _load_safetensors(path: Path, where: str) -> dict[str, Tensor]:
    try:
        tensors: dict[str, Tensor] = load_file(path)
    except (OSError, SafetensorError, ValueError, TypeError, KeyError) as problem:
        message = f"{where}: looks like safetensors, and cannot be read ({first_line(problem)})"
        raise FacezooError(message, AGAIN) from problem
    return tensors


def _is_tensor(item: tuple[object, object]) -> bool:
    return isinstance(item[0], str) and isinstance(item[1], Tensor)


def _is_plain(tensor: Tensor) -> bool:
    """Whether its elements are numbers of its own: a few bytes may claim to be a tensor of any size."""
    if tensor.layout != torch.strided or tensor.device.type != "cpu" or tensor.is_quantized:
        return False
    within = tensor.numel() * tensor.element_size() <= tensor.untyped_storage().nbytes()
    return within and not tensor.is_complex()


def _check_units(mean: Channels, std: Channels) -> None:
    """Refuse what is meant for pixels from 0 to 1: taken for 8-bit units it gives figures, and wrong ones."""
    means, deviations = (value if isinstance(value, tuple) else (value,) for value in (mean, std))
    if not all(isfinite(value) for value in (*means, *deviations)) or min(deviations) <= 0:
        message = f"mean {mean} and std {std}: std must be above 0, and both finite"
        raise FacezooError(message, "Give what the weights were trained with, in 8-bit units (0 to 255).")
    if min(deviations) < 1 or any(0 < abs(value) < 1 for value in means):
        message = f"mean {mean} and std {std} look like those of pixels from 0 to 1"
        raise FacezooError(message, "Give them in 8-bit units: 255 times as much.")


def _write(out: Path, imported: Imported, origin: Mapping[str, Any], contract: Preprocessing) -> None:
    metadata = {
        "format": FORMAT,
        "step": 0,
        "imported": origin,
        "backbone": backbone_provenance(imported.backbone, imported.dim),
        "preprocessing": contract.as_dict(),
        "versions": {"facezoo": installed_version(), "torch": torch.__version__},
    }
    try:
        with whole_folder(out) as making:
            write_contents(making, {"model": imported.tensors}, metadata)
    except FileExistsError as problem:
        raise _exists(out) from problem
    except (OSError, SafetensorError) as problem:
        reason = getattr(problem, "strerror", None) or problem
        message = f"{printable(str(out))}: cannot be written ({reason})"
        raise FacezooError(message, "Free some space, or name another folder (--out).") from problem


def _exists(out: Path) -> FacezooError:
    message = f"{printable(str(out))}: exists already"
    return FacezooError(message, "Name a folder that is not there yet (--out).")
