"""Checkpoints for tests: what one must say of itself, and one rewritten with everything about it in order."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file
from torch import Tensor

from facezoo.disk.sealed import SEAL, write_sealed
from facezoo.runs.places import METADATA
from facezoo.runs.verified import file_digest

ABOUT: dict[str, Any] = {
    "imported": {"file": "published.pth", "sha256": "abc"},
    "backbone": {"name": "small", "dim": 4},
    "preprocessing": {
        "size": 32, "colour": "RGB", "mean": [127.5] * 3, "std": [127.5] * 3,
        "alignment": "five points", "crop": "none", "scaling": "bilinear",
    },
    "versions": {"facezoo": "0.1.0"},
}  # fmt: skip
"""The least that a checkpoint.json says, less format, step and files: that of imported weights."""


def rewrite(checkpoint: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    """Change what a checkpoint says of itself, and seal it again."""
    path = checkpoint / METADATA
    about = json.loads(path.read_text())
    about.pop(SEAL, None)
    change(about)
    write_sealed(path, about)
    return checkpoint


def rewrite_part(checkpoint: Path, part: str, change: Callable[[dict[str, Tensor]], object]) -> Path:
    """Change the tensors of one part, and write down their new digest."""
    path = checkpoint / f"{part}.safetensors"
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path)
    return rewrite(checkpoint, lambda about: about["files"].update({path.name: file_digest(path)}))


def as_of_an_earlier_facezoo(checkpoint: Path) -> Path:
    """Take away everything that checkpoints had not always."""
    path = checkpoint / METADATA
    about = json.loads(path.read_text())
    for key in (SEAL, "files"):
        about.pop(key, None)
    about.get("data", {}).pop("content", None)
    for key in ("distribution", "version"):
        about["backbone"].pop(key, None)
    path.write_text(json.dumps(about, indent=2))
    return checkpoint


def flip_a_bit(path: Path, where: int) -> None:
    """Change one bit of a file; done again, it is as it was."""
    damaged = bytearray(path.read_bytes())
    damaged[where % len(damaged)] ^= 1
    path.write_bytes(damaged)
