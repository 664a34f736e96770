"""Files of numbers from anywhere: embeddings with the paths of their images, scores with labels.

NumPy's `.npz` is a zip of arrays. None is unpickled: an array of objects is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from facezoo.data.faces import printable
from facezoo.errors import FacezooError

LAYOUT = "Give an .npz with `path` (text [N]) and `embedding` (numbers [N, D])."


@dataclass(frozen=True, eq=False)
class EmbeddingSet:
    """Embeddings of images: `paths` [N] with `/` between the parts, and `rows` floating [N, D]."""

    name: str
    paths: tuple[str, ...]
    rows: npt.NDArray[np.floating]

    def __len__(self) -> int:
        return len(self.paths)


def read_embeddings(path: Path) -> EmbeddingSet:
    """The embeddings in an npz with the keys `path` and `embedding`; other keys are not looked at.

    Raises FacezooError where the file cannot be read, the arrays do not fit, an embedding is not finite, or a
    path stands there twice.
    """
    arrays = read_arrays(path, ("path", "embedding"), LAYOUT)
    paths, rows = arrays["path"], arrays["embedding"]
    fits = paths.ndim == 1 and rows.ndim == 2 and len(paths) == len(rows) > 0
    if not fits or paths.dtype.kind not in "US" or rows.dtype.kind != "f":
        found = f"path {paths.dtype} {paths.shape}, embedding {rows.dtype} {rows.shape}"
        raise FacezooError(f"{printable(str(path))}: {found} do not fit", LAYOUT)
    names = [_text(name).replace("\\", "/") for name in paths.tolist()]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise FacezooError(f"{printable(str(path))}: {twice!r} stands there twice", "Keep one row an image.")
    wrong = int((~np.isfinite(rows).all(1)).sum())
    if wrong:
        message = f"{printable(str(path))}: {wrong:,} of {len(rows):,} embeddings are not finite"
        raise FacezooError(message, "Leave these images out, or look at the network that made them.")
    return EmbeddingSet(path.name, tuple(names), rows)


def read_arrays(path: Path, keys: tuple[str, ...], layout: str) -> dict[str, npt.NDArray[Any]]:
    """The arrays of an npz, those of `keys` at least; FacezooError with the hint `layout` otherwise."""
    try:
        # nothing is unpickled, and the pickled kind of array is an error here
        with np.load(path, allow_pickle=False) as file:  # noqa: TID251
            missing = [key for key in keys if key not in file]
            arrays = {} if missing else {key: file[key] for key in file.files}
    except (OSError, ValueError, TypeError, EOFError, AttributeError, BadZipFile) as problem:
        reason = getattr(problem, "strerror", None) or "not an npz of plain arrays"
        raise FacezooError(f"{printable(str(path))}: cannot be read ({reason})", layout) from problem
    if missing:
        raise FacezooError(f"{printable(str(path))}: has no array {missing[0]!r}", layout)
    return arrays


def _text(name: str | bytes) -> str:
    return name.decode("utf-8", "surrogateescape") if isinstance(name, bytes) else name
