"""Embeddings from anywhere, with the paths of their images."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from facezoo._words import printable, shown
from facezoo.errors import FacezooError
from facezoo.evaluation.archives import read_arrays

LAYOUT = "Give an .npz with `path` (text [N]) and `embedding` (numbers [N, D])."


@dataclass(frozen=True, eq=False)
class EmbeddingSet:
    """Embeddings of images: `paths` [N] with `/` between the parts, and `rows` floating [N, D]."""

    name: str
    paths: tuple[str, ...]
    rows: npt.NDArray[np.floating]

    def __len__(self) -> int:
        return len(self.paths)

    @property
    def names(self) -> tuple[str, ...]:
        """The paths, as images call them."""
        return self.paths

    def chosen(self, paths: Sequence[str]) -> EmbeddingSet:
        """Those of these paths, in that order."""
        row = {path: number for number, path in enumerate(self.paths)}
        return EmbeddingSet(self.name, tuple(paths), self.rows[[row[path] for path in paths]])


def read_embeddings(path: Path) -> EmbeddingSet:
    """The embeddings in an npz with the keys `path` and `embedding`; other keys are not looked at.

    Raises FacezooError where the file cannot be read, the arrays do not fit, or a path is no name or stands
    there twice. Rows that are zero or not finite are returned as they are: see `enrolment`.
    """
    where = printable(str(path))
    arrays = read_arrays(path, ("path", "embedding"), LAYOUT)
    paths, rows = arrays["path"], arrays["embedding"]
    fits = paths.ndim == 1 and rows.ndim == 2 and len(paths) == len(rows) and rows.size
    if not fits or paths.dtype.kind not in "US" or rows.dtype.kind != "f":
        found = f"path {paths.dtype} {paths.shape}, embedding {rows.dtype} {rows.shape}"
        raise FacezooError(f"{where}: {found} do not fit", LAYOUT)
    names = _names(paths, where)
    return EmbeddingSet(path.name, tuple(names), rows)


def _names(paths: npt.NDArray[Any], where: str) -> list[str]:
    names = [_text(name).replace("\\", "/") for name in paths.tolist()]
    for row, name in enumerate(names):
        if "\0" in name or not name.strip("./"):
            raise FacezooError(f"{where}: the path in row {row:,}, {shown(name)}, names no file", LAYOUT)
    if (twice := _first_twice(names)) is not None:
        raise FacezooError(f"{where}: {shown(twice)} stands there twice", "Keep one row per image.")
    return names


def _first_twice(names: Iterable[str]) -> str | None:
    """The first name that repeats one before it."""
    seen = set[str]()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None


def _text(name: str | bytes) -> str:
    return name.decode("utf-8", "surrogateescape") if isinstance(name, bytes) else name
