"""Tensors of a checkpoint, put into the modules that they belong to."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from facezoo._words import cut
from facezoo.errors import FacezooError


def load_weights(module: nn.Module, tensors: Mapping[str, Tensor], checkpoint: Path | str) -> None:
    """Put a checkpoint's tensors into a module; FacezooError where names, shapes or kinds of number differ.

    Whole numbers are not taken for fractions, nor the other way round: `load_state_dict` would convert them.
    """
    own = module.state_dict()
    kinds = [name for name in own if name in tensors and _kind(own[name]) != _kind(tensors[name])]
    try:
        if kinds:
            raise RuntimeError(f"{kinds[0]} is {tensors[kinds[0]].dtype}, not {own[kinds[0]].dtype}")
        with torch.no_grad():
            module.load_state_dict(dict(tensors))
    except RuntimeError as problem:
        what = f"its tensors do not fit this run's {type(module).__name__}: {cut(str(problem), 1000)}"
        message = f"{checkpoint}: {what}"
        raise FacezooError(message, "Use the versions that checkpoint.json names.") from problem


def _kind(tensor: Tensor) -> tuple[bool, bool, bool]:
    return tensor.is_floating_point(), tensor.is_complex(), tensor.dtype == torch.bool
