"""The device that a network computes on."""

from __future__ import annotations

from typing import Final

import torch

from facezoo.errors import FacezooError
from facezoo.runs.malloc import keep_freed_memory

KINDS: Final = ("cpu", "cuda")
"""Devices that every head, layout and checkpoint has been computed on."""


def choose_device(name: str) -> torch.device:
    """The device that `train.device` names, set up; "auto" is CUDA where there is one, else the CPU.

    On CUDA convolutions are deterministic from then on, and on a CPU freed memory is kept for reuse. Raises
    FacezooError for any other kind of device, and for one that this torch does not reach.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name.partition(":")[0] not in KINDS:
        message = f"train.device: {name!r}: facezoo computes on a processor or with CUDA"
        raise FacezooError(message, "Say auto, cpu, cuda, or cuda:1.")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as problem:  # torch built without CUDA asserts
        reason = str(problem).splitlines()[0]
        message = f"train.device: {name!r} cannot be used ({reason})"
        raise FacezooError(message, "Say auto, cpu, or a device that this torch reaches.") from problem
    if device.type == "cuda":
        torch.backends.cudnn.deterministic = True
        torch.backends.cudnn.benchmark = False
    else:
        keep_freed_memory()
    return device
