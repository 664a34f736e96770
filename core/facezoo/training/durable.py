"""Files that are either whole or not there, whatever happens while they are written."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path


def write_text(path: Path, text: str) -> None:
    """Put `text` into the file at `path` in one go: written beside it, synced, renamed into place."""
    beside = path.with_name(f".{path.name}.tmp")
    with beside.open("w", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    sync(path.parent)


def write_json(path: Path, content: Mapping[str, object]) -> None:
    """Put `content` into the file at `path` as indented JSON, in one go; ValueError for NaN and infinity."""
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def sync(path: Path) -> None:
    """Force a file's content, or a folder's entries, onto the disk."""
    if path.is_dir() and os.name == "nt":
        return  # Windows neither needs nor allows it for folders
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
