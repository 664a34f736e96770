"""A trained network out of a run directory or a checkpoint, ready to embed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from torch import nn

from facezoo.backbones import build_backbone
from facezoo.data.batches import batch_count
from facezoo.data.preprocessing import Preprocessing
from facezoo.engine import HeadContext
from facezoo.errors import FacezooError
from facezoo.loss import HeadLoss, build_loss
from facezoo.registry import LoadedHead, load_head
from facezoo.runs.device import choose_device
from facezoo.runs.offered import require_backbone, require_head
from facezoo.runs.places import METADATA, find_checkpoint
from facezoo.runs.verified import read_metadata, read_part, warn_of_lacking
from facezoo.runs.weights import load_weights
from facezoo.settings import EvaluateSettings


@dataclass(frozen=True, eq=False)
class Network:
    """A backbone with its weights, what it expects of images, and the checkpoint that it came from."""

    checkpoint: Path
    metadata: Mapping[str, Any]
    backbone: nn.Module
    preprocessing: Preprocessing
    evaluate: EvaluateSettings

    @property
    def config(self) -> Mapping[str, Any]:
        """The run's resolved settings by section."""
        config: Mapping[str, Any] | None = self.metadata.get("config")
        if config is None:
            message = f"{self.checkpoint}: weights without a run, which has settings, pairs and classes"
            raise FacezooError(message, "Give the directory of a run, or name the pairs (--pairs).")
        return config

    @cached_property
    def loss(self) -> HeadLoss:
        """The head with its prototypes; FacezooError where it is not installed or of another revision."""
        saved, loaded = self.metadata["head"], self._head
        if loaded.spec.revision != saved["revision"]:
            message = (
                f"{self.checkpoint}: head {saved['name']!r} was revision {saved['revision']}; "
                f"revision {loaded.spec.revision} is installed"
            )
            raise FacezooError(message, f"Install {saved['distribution']} {saved['version']}.")
        settings = {key: value for key, value in self.config["head"].items() if key != "name"}
        tensors, classes = read_part(self.checkpoint, "head"), self.metadata["data"]["identities"]
        if "prototypes.weight" not in tensors or tensors["prototypes.weight"].shape[:1] != (classes,):
            message = f"{self.checkpoint}: its head is not of {classes:,} identities"
            raise FacezooError(message, "Use another checkpoint of the run.")
        loss = build_loss(loaded, loaded.configure(settings), self._context())
        load_weights(loss, tensors, self.checkpoint)
        return loss.eval()

    @cached_property
    def learned_threshold(self) -> float | None:
        """The cosine from which on the head itself takes a pair for genuine.

        None for a head that has no threshold, which is not built to find that out, and for weights without a
        run. Raises FacezooError as `loss` does.
        """
        if "config" not in self.metadata or not hasattr(self._head.factory(), "threshold"):
            return None
        return self.loss.threshold

    @cached_property
    def _head(self) -> LoadedHead:
        return load_head(require_head(self.checkpoint, self.metadata))

    def _context(self) -> HeadContext:
        data, train = self.metadata["data"], self.config["train"]
        accumulate = train.get("accumulate", 1)
        steps = batch_count(data["images"], train["batch_size"] * accumulate) * accumulate
        dim = self.metadata["backbone"]["dim"]
        return HeadContext(data["identities"], dim, train["seed"], steps, steps * train["epochs"])


def open_network(path: Path, device: str = "auto") -> Network:
    """The network of a run directory or a checkpoint, on `device` and in evaluation mode.

    Raises FacezooError where there is none, its files are damaged, or its backbone is not installed.
    """
    checkpoint = find_checkpoint(path)
    metadata = read_metadata(checkpoint)
    try:
        contract, named = metadata["preprocessing"], metadata["backbone"]
        evaluate = EvaluateSettings.model_validate(metadata.get("config", {}).get("evaluate", {}))
        backbone = build_backbone(require_backbone(checkpoint, metadata), named["dim"], contract["size"])
    except (KeyError, TypeError, ValidationError) as problem:
        message = f"{checkpoint}: {METADATA} is not one of a run ({problem})"
        raise FacezooError(message, "Use the facezoo that wrote it.") from problem
    load_weights(backbone, read_part(checkpoint, "model"), checkpoint)
    warn_of_lacking(checkpoint, metadata)
    backbone.to(choose_device(device)).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    preprocessing = Preprocessing.from_dict(contract, str(checkpoint))
    return Network(checkpoint, metadata, backbone.eval(), preprocessing, evaluate)
