"""JSON that carries its own digest, so that no damage to it is taken for content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from facezoo.disk.durable import write_text

SEAL: Final = "sha256"
LONGEST: Final = 2**28
"""Bytes; nothing that facezoo seals comes near to it."""


def write_sealed(path: Path, content: Mapping[str, Any]) -> None:
    """Write `content` as JSON in one go, with a digest of itself under `sha256`. Raises OSError."""
    plain = json.loads(json.dumps(content))  # keys as they will be read
    write_text(path, json.dumps({**plain, SEAL: _digest(plain)}, indent=1) + "\n")


def read_sealed(path: Path) -> dict[str, Any]:
    """What `write_sealed` wrote; ValueError where it is damaged or not that, OSError where not readable."""
    content, sealed = read_perhaps_sealed(path)
    if not sealed:
        raise _damaged(path)
    return content


def read_perhaps_sealed(path: Path) -> tuple[dict[str, Any], bool]:
    """A JSON object less its seal, and whether it had one, for files that were written before there were
    seals; raises as `read_sealed` does.
    """
    if not path.is_file() or path.stat().st_size > LONGEST:
        message = f"{path.name} is no file of facezoo's"
        raise ValueError(message)
    try:
        content = json.loads(path.read_bytes())
        if isinstance(content, dict):
            seal = content.pop(SEAL, None)
            if seal is None or seal == _digest(content):
                return content, seal is not None
    except RecursionError:
        pass  # nested without end: no content of ours
    raise _damaged(path)


def _damaged(path: Path) -> ValueError:
    return ValueError(f"{path.name} is damaged")


def _digest(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
