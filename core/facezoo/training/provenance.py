"""Where weights come from, written beside them."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from facezoo._version import installed_version
from facezoo.settings import RunSettings


def versions() -> dict[str, str]:
    """Versions of what computed the numbers."""
    return {
        "facezoo": installed_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }


def head_provenance(settings: RunSettings) -> dict[str, Any]:
    """The head, the distribution that it came in, and its revision."""
    entry, spec = settings.head.entry, settings.head.spec
    return {
        "name": spec.name,
        "distribution": entry.dist,
        "version": entry.version,
        "revision": spec.revision,
        "preset": settings.preset,
    }


def resolved_config(settings: RunSettings) -> dict[str, dict[str, Any]]:
    """All settings by section, as JSON types."""
    head = {"name": settings.head_name, **settings.head.dump(settings.head_config)}
    sections = {
        name: getattr(settings, name) for name in ("data", "backbone", "train", "optimizer", "evaluate")
    }
    return {"head": head, **{name: section.model_dump(mode="json") for name, section in sections.items()}}


def identity_fingerprint(identities: Sequence[str]) -> str:
    """SHA-256 over the names of the identities in order: the same where class numbers mean the same."""
    return hashlib.sha256(json.dumps(list(identities)).encode()).hexdigest()
