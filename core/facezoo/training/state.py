"""The state of a run as tensors and JSON, and back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from facezoo._words import first_line, printable, shown
from facezoo.data import TrainingFaces
from facezoo.data.fingerprint import same_data
from facezoo.errors import FacezooError
from facezoo.registry.compatibility import canonical
from facezoo.runs.provenance import (
    backbone_provenance,
    data_provenance,
    default_of,
    head_provenance,
    resolved_config,
    versions,
)
from facezoo.runs.verified import PARTS, not_finite, read_metadata, read_part, warn_of_lacking
from facezoo.runs.weights import load_weights
from facezoo.settings import RunSettings
from facezoo.training.optimizer import load_state_tensors, state_tensors
from facezoo.training.parts import Parts

MODEL, HEAD, OPTIMIZER = PARTS
ON_CPU, ON_CUDA = "generator|cpu", "generator|cuda"

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

    Raises FacezooError where one is not finite: a checkpoint is something to go on from.
    """
    tensors = {
        MODEL: parts.backbone.state_dict(),
        HEAD: parts.loss.state_dict(),
        OPTIMIZER: state_tensors(parts.optimizer, parts.names()) | _generators(parts.device),
    }
    for part, named in tensors.items():
        for name in not_finite(named):
            message = f"{part} weights {name!r} are not finite; this state is not saved"
            raise FacezooError(message, "Resume from the last checkpoint with a lower optimizer.lr.")
    return tensors


def describe(parts: Parts, settings: RunSettings) -> dict[str, Any]:
    """The JSON half of a checkpoint: provenance and the preprocessing contract.

    To be made once, when everything has been opened: a save then depends on nothing outside.
    """
    return {
        "head": head_provenance(settings),
        "backbone": backbone_provenance(settings.backbone.name, settings.backbone.dim),
        "preprocessing": parts.preprocessing.as_dict(),
        "data": data_provenance(parts.data.faces),
        "seed": settings.train.seed,
        "versions": versions(),
        "computed_on": {
            "device": str(parts.device),
            "threads": torch.get_num_threads(),
            "precision": "bf16" if parts.bf16 else "float32",
        },
        "config": resolved_config(settings),
    }


def restore(
    parts: Parts, settings: RunSettings, about: Mapping[str, Any], checkpoint: Path
) -> dict[str, Any]:
    """Put a checkpoint's tensors into fresh `parts`, which `about` describes; returns its metadata.

    Raises FacezooError where the checkpoint is damaged, or belongs to other settings, another head revision,
    another backbone or other data.
    """
    metadata = read_metadata(checkpoint)
    _check_run(checkpoint, metadata, settings, len(parts.batches))
    _check_settings(checkpoint, metadata, settings)
    _check_plugins(checkpoint, metadata, about)
    _check_data(checkpoint, metadata, parts.data, about)
    warn_of_lacking(checkpoint, metadata)
    model, head, optimizer = (read_part(checkpoint, part) for part in (MODEL, HEAD, OPTIMIZER))
    load_weights(parts.backbone, model, checkpoint)
    load_weights(parts.loss, head, checkpoint)
    try:
        _restore_optimizer(parts, optimizer, perhaps_cut=metadata["step"] > 0 and "files" not in metadata)
    except (ValueError, TypeError, RuntimeError) as problem:
        message = f"{checkpoint}: its {OPTIMIZER} part is not this run's ({first_line(problem)})"
        raise FacezooError(message, "Use another checkpoint of the run.") from problem
    return metadata


def _restore_optimizer(parts: Parts, tensors: dict[str, Tensor], *, perhaps_cut: bool) -> None:
    """The optimiser's state and the generators'; ValueError, TypeError or RuntimeError for another one's.

    `perhaps_cut`: no digest says that it is all that was written, so that what must be there is asked for.
    """
    on_cpu, on_cuda = (tensors.pop(name, None) for name in (ON_CPU, ON_CUDA))
    if on_cpu is None:
        raise ValueError("it has no state of torch's random generator")
    without = load_state_tensors(parts.optimizer, parts.names(), tensors)
    for module in ("backbone.", "head.prototypes.") if perhaps_cut else ():
        named = [name for name in parts.names().values() if name.startswith(module)]
        if named and set(named) <= set(without):
            raise ValueError(f"it has no state of {named[0]}, nor of any {module}*")
    torch.set_rng_state(on_cpu)
    if on_cuda is not None and parts.device.type == "cuda":
        torch.cuda.set_rng_state(on_cuda, parts.device)


def _generators(device: torch.device) -> dict[str, Tensor]:
    states = {ON_CPU: torch.get_rng_state()}
    if device.type == "cuda":
        states[ON_CUDA] = torch.cuda.get_rng_state(device)
    return states


def _check_run(
    checkpoint: Path, metadata: Mapping[str, Any], settings: RunSettings, steps_per_epoch: int
) -> None:
    if "config" not in metadata:
        message = f"{checkpoint}: weights without a run, which cannot be resumed"
        raise FacezooError(message, "Begin a run with them: --init-from.")
    step, total = metadata["step"], steps_per_epoch * settings.train.epochs
    if step > total:
        message = f"{checkpoint}: of step {step:,}, and the run has {total:,}"
        raise FacezooError(message, "Use another checkpoint of the run.")


def _check_settings(checkpoint: Path, metadata: Mapping[str, Any], settings: RunSettings) -> None:
    saved, now = metadata["config"], resolved_config(settings)
    changed = [
        f"{section}.{key}: {shown(then)} there, {value!r} here"
        for section, values in now.items()
        for key, value in values.items()
        if section != "evaluate" and f"{section}.{key}" not in FREE
        if (then := saved[section].get(key, default_of(settings, section, key))) != value
    ]
    if changed:
        message = f"{checkpoint} was trained with other settings ({'; '.join(changed)})"
        raise FacezooError(
            message, "A run is resumed as it was begun: mend resolved.toml, or begin a new run."
        )


def _check_plugins(checkpoint: Path, metadata: Mapping[str, Any], about: Mapping[str, Any]) -> None:
    """Refuse another revision of the head, and a head or backbone out of another distribution."""
    for kind in ("head", "backbone"):
        before, after = metadata[kind], about[kind]
        name, came = shown(after["name"]), f"{before.get('distribution')} {before.get('version')}"
        hint = f"Install {printable(came)}, or begin a new run."
        was = before.get("distribution", after["distribution"])
        if canonical(was) != canonical(after["distribution"]):
            now = f"{after['distribution']} {after['version']}"
            message = f"{checkpoint}: {kind} {name} came with {came}; here it is that of {now}"
            raise FacezooError(message, hint)
        if before.get("revision") != after.get("revision"):
            message = f"{checkpoint}: {kind} {name} was revision {before['revision']}"
            raise FacezooError(f"{message}; revision {after['revision']} is installed", hint)


def _check_data(
    checkpoint: Path, metadata: Mapping[str, Any], data: TrainingFaces, about: Mapping[str, Any]
) -> None:
    now, saved = about["data"], metadata["data"]
    if now["content"] == saved.get("content") or same_data(data.faces, saved):
        return
    found = f"{now['images']:,} images of {now['identities']:,} identities"
    then = f"{saved['images']:,} of {saved['identities']:,}"
    if now["fingerprint"] == saved["fingerprint"]:
        then += "; names and sizes of the files are the same, what is in them is not"
    message = f"{checkpoint}: the training images are not those that it was trained on ({found}; then {then})"
    raise FacezooError(message, "Put the data back as it was, or begin a new run.")
