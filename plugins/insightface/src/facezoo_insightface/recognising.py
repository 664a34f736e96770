"""Which backbone a file's tensors belong to, without the prefixes and the classifier that training added."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from math import isqrt
from typing import Final

import torch
from torch import Tensor

from facezoo._words import cut, printable
from facezoo.backbones import build_backbone
from facezoo.backbones.iresnet import STRIDE
from facezoo.errors import FacezooError

CANDIDATES: Final = ("iresnet18", "iresnet34", "iresnet50", "iresnet100", "mobilefacenet")
PREFIXES: Final = ("_orig_mod.", "module.", "model.", "backbone.", "features.module.")
"""What torch.compile, data-parallel training and models that hold a backbone put before its names."""
CLASSIFIERS: Final = frozenset(
    {"fc", "head", "kernel", "classifier", "margin", "metric_fc", "logits", "loss"}
)
"""Names of the matrix of class vectors, or of the part that holds it, beside a backbone."""
COUNTERS: Final = "num_batches_tracked"
SHOWN: Final = 5


@dataclass(frozen=True)
class Imported:
    """Weights that fit a backbone: tensors by name, float32 where they are floating-point.

    `left_out` are the names, as they are in the file, of what belongs to a classifier beside the backbone.
    """

    backbone: str
    dim: int
    size: int
    tensors: Mapping[str, Tensor]
    left_out: tuple[str, ...] = ()


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


def recognise(state: Mapping[str, Tensor], where: str, backbone: str | None = None) -> Imported:
    """The backbone that these tensors fit, name by name and shape by shape.

    Prefixes that training put before the names are taken off, a classifier beside the backbone is left out,
    and counters of batch normalisation that older files lack are put in as zeros. Raises FacezooError,
    beginning with `where`, with what is missing, unknown or of another shape in the nearest backbone, and
    where a weight is not finite.
    """
    own, beside = _without_prefixes(state)
    for name, tensor in own.items():
        if not bool(torch.isfinite(tensor).all()):
            raise FacezooError(f"{where}: {_short(name)} is not finite", "The file is damaged: get it again.")
    dim, size = _dimensions(own)
    mismatches = []
    for name in (backbone,) if backbone else CANDIDATES:
        wanted = _wanted(name, dim, size)
        strange = {key: tensor for key, tensor in own.items() if key not in wanted} | beside
        classifier = _classifier(strange, dim)
        complete = _with_counters({key: own[key] for key in own if key in wanted}, wanted)
        mismatch = _compare(name, complete, wanted, [key for key in strange if key not in classifier])
        if not mismatch:
            return Imported(name, dim, size, complete, tuple(classifier))
        mismatches.append(mismatch)
    nearest = min(mismatches, key=len)
    message = f"{where}: does not fit {nearest.backbone} (dim {dim}, size {size}): {nearest}"
    raise FacezooError(message, f"Backbones that can be imported: {', '.join(CANDIDATES)}.")


@cache
def _wanted(backbone: str, dim: int, size: int) -> Mapping[str, Tensor]:
    """The tensors of a backbone, without their values."""
    with torch.device("meta"):
        return build_backbone(backbone, dim, size).state_dict()


def _without_prefixes(state: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The tensors under the prefix that most names have, without it; and the others, as they are called."""
    prefixes = {name: _prefix(name) for name in state}
    most = Counter(prefixes.values()).most_common(1)[0][0] if state else ""
    own = {name.removeprefix(most): state[name] for name, prefix in prefixes.items() if prefix == most}
    return own, {name: state[name] for name, prefix in prefixes.items() if prefix != most}


def _prefix(name: str) -> str:
    """All that stands before a name of the backbone's own; there may be several, one within the other."""
    rest = name
    while found := next((prefix for prefix in PREFIXES if rest.startswith(prefix)), ""):
        rest = rest.removeprefix(found)
    return name.removesuffix(rest) if rest else name


def _classifier(strange: Mapping[str, Tensor], dim: int) -> list[str]:
    """The names of what belongs to a classifier: parts called so that hold a matrix of class vectors."""
    parts: dict[str, list[str]] = {}
    for name in strange:
        part = name.removeprefix(_prefix(name)).split(".")[0]
        if part in CLASSIFIERS:
            parts.setdefault(part, []).append(name)
    return [
        name
        for names in parts.values()
        if any(strange[name].ndim == 2 and dim in strange[name].shape for name in names)
        for name in names
    ]


def _dimensions(state: Mapping[str, Tensor]) -> tuple[int, int]:
    """Embedding size and input side, as the last layers' shapes tell; 512 and 112 where they do not."""
    if "fc.weight" in state and state["fc.weight"].ndim == 2:
        dim, inside = state["fc.weight"].shape
        return max(dim, 1), STRIDE * max(isqrt(inside // 512), 1)
    whole, fc = state.get("features.layers.0.layers.0.weight"), state.get("features.layers.2.weight")
    if whole is not None and whole.ndim == 4 and fc is not None and fc.ndim == 2:
        return max(len(fc), 1), STRIDE * max(whole.shape[-1], 1)
    return 512, 112


def _with_counters(state: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    counters = [name for name in wanted if name.endswith(COUNTERS) and name not in state]
    return {**state, **{name: torch.zeros((), dtype=torch.int64) for name in counters}}


def _compare(
    backbone: str, state: Mapping[str, Tensor], wanted: Mapping[str, Tensor], strange: list[str]
) -> Mismatch:
    shapes = [
        f"{name} ({_kind(state[name])} there, {_kind(tensor)} in {backbone})"
        for name, tensor in wanted.items()
        if name in state and not _fits(state[name], tensor)
    ]
    missing = [name for name in wanted if name not in state]
    return Mismatch(backbone, tuple(missing), tuple(map(_short, strange)), tuple(shapes))


def _fits(tensor: Tensor, wanted: Tensor) -> bool:
    numbers = tensor.is_floating_point() or not wanted.is_floating_point()
    return tensor.shape == wanted.shape and numbers


def _kind(tensor: Tensor) -> str:
    return f"{list(tensor.shape)}{'' if tensor.is_floating_point() else ' of whole numbers'}"


def _short(name: str) -> str:
    return cut(printable(name), 80)
