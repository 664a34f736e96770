"""Whether what a checkpoint was trained with is installed: by name and by distribution."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from facezoo._words import printable, shown, this_python
from facezoo.errors import FacezooError
from facezoo.registry import PluginEntry, installed_heads, installed_plugins
from facezoo.registry.entries import BACKBONES


def require_head(checkpoint: Path, metadata: Mapping[str, Any]) -> str:
    """`dist:head` of the head that a run's checkpoint was trained with; FacezooError if it is not offered."""
    hint = "Install it there, or use the environment that trained it. Embedding images needs no head."
    return _require(checkpoint, "head", metadata["head"], installed_heads(), hint)


def require_backbone(checkpoint: Path, metadata: Mapping[str, Any]) -> str:
    """The name to load a checkpoint's backbone by, `dist:name` where it has the distribution.

    FacezooError where that distribution does not offer it.
    """
    saved = metadata["backbone"]
    if "distribution" not in saved:  # of an earlier facezoo
        return str(saved["name"])
    hint = "Install it there, or use the environment that trained it."
    return _require(checkpoint, "backbone", saved, installed_plugins(BACKBONES), hint)


def _require(
    checkpoint: Path, kind: str, saved: Mapping[str, Any], installed: list[PluginEntry], hint: str
) -> str:
    qualified = f"{saved['distribution']}:{saved['name']}"
    if any(entry.answers_to(qualified) for entry in installed):
        return qualified
    others = [f"{entry.dist} {entry.version}" for entry in installed if entry.answers_to(saved["name"])]
    came = f"came with {printable(saved['distribution'])} {printable(saved['version'])}"
    message = (
        f"{checkpoint}: its {kind} {shown(saved['name'])} {came}, and is not installed for {this_python()}"
    )
    if others:
        message += f"; another one of that name came with {' and '.join(others)}"
    raise FacezooError(message, hint)
