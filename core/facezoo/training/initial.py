"""Fine-tuning: a run that starts from the weights of another one, or from imported ones."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn

from facezoo.data.declared import UNDECLARED
from facezoo.errors import FacezooError
from facezoo.settings import RunSettings
from facezoo.training.checkpoint import find_checkpoint, read_metadata, read_part
from facezoo.training.parts import Parts
from facezoo.training.provenance import head_provenance, identity_fingerprint

NOTHING: Final = "none"
COUNTERS: Final = ("step", "zero_embeddings")
"""What a head's loss counts anew in every run."""


def start_from(parts: Parts, settings: RunSettings) -> dict[str, Any] | None:
    """Put the weights of `train.init_from` into fresh `parts`; returns what is kept of it, or None.

    The head's tensors are taken along if the checkpoint is of the same head (name, distribution, revision)
    and the same identities in the same order; its counts begin anew. Raises FacezooError where there is no
    checkpoint, or its backbone or its preprocessing contract is another one.
    """
    if settings.train.init_from == NOTHING:
        return None
    checkpoint = find_checkpoint(Path(settings.train.init_from))
    metadata = read_metadata(checkpoint)
    _check_backbone(checkpoint, metadata, settings)
    _check_contract(checkpoint, metadata, parts)
    _load(parts.backbone, read_part(checkpoint, "model"), checkpoint)
    head = _same_head(metadata, parts, settings)
    if head:
        own = parts.loss.state_dict()
        counters = {name: own[name] for name in COUNTERS}
        _load(parts.loss, {**read_part(checkpoint, "head"), **counters}, checkpoint)
    return {"checkpoint": str(checkpoint), "step": metadata["step"], "head": head}


def _check_backbone(checkpoint: Path, metadata: Mapping[str, Any], settings: RunSettings) -> None:
    there, here = metadata["backbone"], {"name": settings.backbone.name, "dim": settings.backbone.dim}
    differing = [
        f"{key}: {there[key]!r} there, {here[key]!r} here" for key in here if there[key] != here[key]
    ]
    if differing:
        message = f"train.init_from: {checkpoint} has another backbone ({'; '.join(differing)})"
        remedy = " ".join(f"--set backbone.{key}={there[key]}" for key in here if there[key] != here[key])
        raise FacezooError(message, f"Say {remedy}.")


def _check_contract(checkpoint: Path, metadata: Mapping[str, Any], parts: Parts) -> None:
    """Refuse weights for other input; an alignment that one side does not know contradicts nothing."""
    there, here = metadata["preprocessing"], parts.preprocessing.as_dict()
    differing = [key for key in here if key in there and there[key] != here[key]]
    if UNDECLARED in (there["alignment"], here["alignment"]):
        differing = [key for key in differing if key != "alignment"]
    if differing:
        sides = "; ".join(f"{key}: {there[key]!r} there, {here[key]!r} here" for key in differing)
        message = f"train.init_from: {checkpoint} expects other images than this run has ({sides})"
        remedy = f"Say --set data.size={there['size']}, or start" if "size" in differing else "Start"
        raise FacezooError(message, f"{remedy} from weights of the same contract.")


def _same_head(metadata: Mapping[str, Any], parts: Parts, settings: RunSettings) -> bool:
    there, here = metadata.get("head", {}), head_provenance(settings)
    same = all(there.get(key) == here[key] for key in ("name", "distribution", "revision"))
    identities = metadata.get("data", {}).get("identity_fingerprint")
    return same and identities == identity_fingerprint(parts.data.faces.identities)


def _load(module: nn.Module, tensors: Mapping[str, Tensor], checkpoint: Path) -> None:
    try:
        with torch.no_grad():
            module.load_state_dict(dict(tensors))
    except RuntimeError as problem:
        message = (
            f"train.init_from: {checkpoint}: its tensors do not fit this run's {type(module).__name__}: "
        )
        raise FacezooError(f"{message}{problem}", "Use the versions that checkpoint.json names.") from problem
