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
from facezoo.backbones import load_backbone
from facezoo.data.fingerprint import content_of, fingerprint_of
from facezoo.data.images import Images
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


def backbone_provenance(name: str, dim: int) -> dict[str, Any]:
    """The backbone that `name` (or `dist:name`) means, by its own name, and the distribution it came in."""
    entry = load_backbone(name).entry
    return {"name": entry.name, "dim": dim, "distribution": entry.dist, "version": entry.version}


def data_provenance(faces: Images) -> dict[str, Any]:
    """What is trained on: how much of it, and fingerprints by names and sizes, by content, and of the
    identities. Files are read for it.
    """
    return {
        "fingerprint": fingerprint_of(faces),
        "content": content_of(faces).as_dict(),
        "images": len(faces),
        "identities": len(faces.identities),
        "identity_fingerprint": identity_fingerprint(faces.identities),
        "left_out": len(faces.left_out),
    }


def resolved_config(settings: RunSettings) -> dict[str, dict[str, Any]]:
    """All settings by section, as JSON types; the preset is the head's, and stands there."""
    sections = settings.as_dict()
    del sections["head"]["preset"]
    return sections


def default_of(settings: RunSettings, section: str, key: str) -> Any:
    """What a setting is that a checkpoint does not have: it was made before there was such a setting."""
    model = settings.head_config if section == "head" else getattr(settings, section)
    field = type(model).model_fields.get(key)
    return None if field is None or field.is_required() else field.get_default(call_default_factory=True)


def identity_fingerprint(identities: Sequence[str]) -> str:
    """SHA-256 over the names of the identities in order: the same where class numbers mean the same."""
    return hashlib.sha256(json.dumps(list(identities)).encode()).hexdigest()
