"""Fine-tuning: a run that starts from the weights of another one, or from imported ones."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from facezoo._words import printable, shown
from facezoo.data.declared import UNDECLARED
from facezoo.errors import FacezooError
from facezoo.registry.compatibility import canonical
from facezoo.runs.places import find_checkpoint
from facezoo.runs.verified import read_metadata, read_part, warn_of_lacking
from facezoo.runs.weights import load_weights
from facezoo.settings import RunSettings
from facezoo.training.parts import Parts

NOTHING: Final = "none"
COUNTERS: Final = ("step", "zero_embeddings")
"""What a head's loss counts anew in every run."""


def start_from(parts: Parts, settings: RunSettings, about: Mapping[str, Any]) -> dict[str, Any] | None:
    """Put the weights of `train.init_from` into fresh `parts`, of which `about` is the description; returns
    what is kept of it, or None.

    The head's tensors are taken along if the checkpoint is of the same head (name, distribution, revision)
    and the same identities in the same order; its counts begin anew. Raises FacezooError where there is no
    checkpoint, it is damaged, or its backbone or its preprocessing contract is another one.
    """
    if settings.train.init_from == NOTHING:
        return None
    checkpoint = find_checkpoint(Path(settings.train.init_from))
    metadata = read_metadata(checkpoint)
    _check_backbone(checkpoint, metadata, about)
    _check_contract(checkpoint, metadata, parts)
    warn_of_lacking(checkpoint, metadata)
    where = f"train.init_from: {checkpoint}"
    load_weights(parts.backbone, read_part(checkpoint, "model"), where)
    head = _same_head(metadata, about)
    if head:
        own = parts.loss.state_dict()
        counters = {name: own[name] for name in COUNTERS}
        load_weights(parts.loss, {**read_part(checkpoint, "head"), **counters}, where)
    return {"checkpoint": str(checkpoint), "step": metadata["step"], "head": head}


def _check_backbone(checkpoint: Path, metadata: Mapping[str, Any], about: Mapping[str, Any]) -> None:
    """Reject another backbone. One whose distribution an earlier checkpoint does not name matches any."""
    there, here = dict(metadata["backbone"]), about["backbone"]
    there["name"] = there["name"].rpartition(":")[2]  # earlier ones have it as it was asked for
    differing = [key for key in ("name", "dim") if there[key] != here[key]]
    if canonical(there.get("distribution", here["distribution"])) != canonical(here["distribution"]):
        differing.append("distribution")
    if differing:
        sides = "; ".join(f"{key}: {shown(there[key])} there, {here[key]!r} here" for key in differing)
        name = (
            there["name"] if "distribution" not in differing else f"{there['distribution']}:{there['name']}"
        )
        remedy = [f"--set backbone.name={name}"] if {"name", "distribution"} & set(differing) else []
        remedy += [f"--set backbone.dim={there['dim']}"] if "dim" in differing else []
        message = f"train.init_from: {checkpoint} has another backbone ({sides})"
        raise FacezooError(message, f"Say {printable(' '.join(remedy))}.")


def _check_contract(checkpoint: Path, metadata: Mapping[str, Any], parts: Parts) -> None:
    """Reject weights trained with different preprocessing. An undeclared alignment matches any."""
    there, here = metadata["preprocessing"], parts.preprocessing.as_dict()
    differing = [key for key in here if key in there and there[key] != here[key]]
    if UNDECLARED in (there["alignment"], here["alignment"]):
        differing = [key for key in differing if key != "alignment"]
    if differing:
        sides = "; ".join(f"{key}: {shown(there[key])} there, {here[key]!r} here" for key in differing)
        message = f"train.init_from: {checkpoint} expects other images than this run has ({sides})"
        remedy = f"Say --set data.size={there['size']}, or start" if "size" in differing else "Start"
        raise FacezooError(message, f"{remedy} from weights of the same contract.")


def _same_head(metadata: Mapping[str, Any], about: Mapping[str, Any]) -> bool:
    there, here = metadata.get("head", {}), about["head"]
    same = all(there.get(key) == here[key] for key in ("name", "distribution", "revision"))
    identities = metadata.get("data", {}).get("identity_fingerprint")
    return same and identities == about["data"]["identity_fingerprint"]
