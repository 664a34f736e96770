"""The state of a run as tensors and JSON, and back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from facezoo.data import TrainingFaces
from facezoo.errors import FacezooError
from facezoo.settings import RunSettings
from facezoo.training.checkpoint import load_weights, read_metadata, read_part
from facezoo.training.optimizer import load_state_tensors, state_tensors
from facezoo.training.parts import Parts
from facezoo.training.provenance import (
    head_provenance,
    identity_fingerprint,
    resolved_config,
    versions,
)

MODEL, HEAD, OPTIMIZER = "model", "head", "optimizer"

FREE = {
    "data.path",
    "data.memory_mib",
    "data.unreadable",
    "data.cache",
    "train.device",
    "train.threads",
    "train.save_every",
    "train.keep",
    "train.init_from",  # a path, whose weights are in the checkpoint
    "train.recompute",
}
"""Settings that may differ when a run is resumed: they do not change what is computed (threads: only
rounding).
"""


def collect(parts: Parts) -> dict[str, dict[str, Tensor]]:
    """All tensors of a run: the backbone's, the head's with its prototypes, the optimiser's and generators'.

    Raises FacezooError where a weight is not finite: a checkpoint is something to go on from.
    """
    tensors = {
        MODEL: parts.backbone.state_dict(),
        HEAD: parts.loss.state_dict(),
        OPTIMIZER: state_tensors(parts.optimizer, parts.names()) | _generators(parts.device),
    }
    for part, name in _not_finite({MODEL: tensors[MODEL], HEAD: tensors[HEAD]}):
        message = f"{part} weights {name!r} are not finite; this state is not saved"
        raise FacezooError(message, "Resume from the last checkpoint with a lower optimizer.lr.")
    return tensors


def describe(parts: Parts, settings: RunSettings) -> dict[str, Any]:
    """The JSON half of a checkpoint: provenance and the preprocessing contract."""
    faces = parts.data.faces
    return {
        "head": head_provenance(settings),
        "backbone": {"name": settings.backbone.name, "dim": settings.backbone.dim},
        "preprocessing": parts.preprocessing.as_dict(),
        "data": {
            "fingerprint": faces.fingerprint(),
            "images": len(faces),
            "identities": len(faces.identities),
            "identity_fingerprint": identity_fingerprint(faces.identities),
            "left_out": len(faces.left_out),
        },
        "seed": settings.train.seed,
        "versions": versions(),
        "computed_on": {
            "device": str(parts.device),
            "threads": torch.get_num_threads(),
            "precision": "bf16" if parts.bf16 else "float32",
        },
        "config": resolved_config(settings),
    }


def restore(parts: Parts, settings: RunSettings, checkpoint: Path) -> dict[str, Any]:
    """Put a checkpoint's tensors into fresh `parts`; returns its metadata.

    Raises FacezooError where the checkpoint belongs to other settings, another head revision or other data.
    """
    metadata = read_metadata(checkpoint)
    _check_settings(checkpoint, metadata, settings)
    _check_data(checkpoint, metadata, parts.data)
    load_weights(parts.backbone, read_part(checkpoint, MODEL), checkpoint)
    load_weights(parts.loss, read_part(checkpoint, HEAD), checkpoint)
    optimizer = read_part(checkpoint, OPTIMIZER)
    torch.set_rng_state(optimizer.pop("generator|cpu"))
    cuda = optimizer.pop("generator|cuda", None)
    if cuda is not None and parts.device.type == "cuda":
        torch.cuda.set_rng_state(cuda, parts.device)
    load_state_tensors(parts.optimizer, parts.names(), optimizer)
    return metadata


def _generators(device: torch.device) -> dict[str, Tensor]:
    states = {"generator|cpu": torch.get_rng_state()}
    if device.type == "cuda":
        states["generator|cuda"] = torch.cuda.get_rng_state(device)
    return states


def _check_settings(checkpoint: Path, metadata: Mapping[str, Any], settings: RunSettings) -> None:
    saved, now = metadata["config"], resolved_config(settings)
    changed = [
        f"{section}.{key}: {saved.get(section, {}).get(key)!r} there, {value!r} here"
        for section, values in now.items()
        for key, value in values.items()
        if section != "evaluate" and f"{section}.{key}" not in FREE
        if saved.get(section, {}).get(key) != value
    ]
    if changed:
        message = f"{checkpoint} was trained with other settings ({'; '.join(changed)})"
        raise FacezooError(
            message, "A run is resumed as it was begun: mend resolved.toml, or begin a new run."
        )
    before, after = metadata["head"]["revision"], settings.head.spec.revision
    if before != after:
        name = settings.head.spec.name
        message = f"{checkpoint}: head {name!r} was revision {before}; revision {after} is installed"
        hint = (
            f"Install {metadata['head']['distribution']} {metadata['head']['version']}, or begin a new run."
        )
        raise FacezooError(message, hint)


def _check_data(checkpoint: Path, metadata: Mapping[str, Any], data: TrainingFaces) -> None:
    if data.faces.fingerprint() != metadata["data"]["fingerprint"]:
        found = f"{len(data.faces):,} images of {len(data.faces.identities):,} identities"
        then = f"{metadata['data']['images']:,} of {metadata['data']['identities']:,}"
        message = (
            f"{checkpoint}: the training images are not those that it was trained on ({found}; then {then})"
        )
        raise FacezooError(message, "Put the data back as it was, or begin a new run.")


def _not_finite(parts: Mapping[str, Mapping[str, Tensor]]) -> Iterator[tuple[str, str]]:
    for part, tensors in parts.items():
        for name, tensor in tensors.items():
            if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
                yield part, name
