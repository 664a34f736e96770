"""How tightly classes lie, and how far apart: angles between embeddings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from facezoo.errors import FacezooError
from facezoo.evaluation import arguments, enrolment

Floats = npt.NDArray[np.float64]
_ELEMENTS = 2_000_000  # angles at a time


@dataclass(frozen=True)
class Geometry:
    """Angles in degrees, over all pairs of images of one class (intra) and of two (inter).

    `criterion` is the share of classes whose greatest intra-class angle is smaller than their smallest angle
    to an image of another class (SphereFace, Liu et al. 2017), out of the `judged` classes, which have at
    least two images. None where there is no such pair. `failed` is how many further images were left out
    because they failed to enrol; `files_left_out` how many files and folders were not used as images.
    """

    intra_max: float | None
    intra_mean: float | None
    inter_min: float | None
    inter_mean: float | None
    criterion: float | None
    classes: int
    judged: int
    images: int
    failed: int = 0
    files_left_out: int = 0
    met: tuple[bool, ...] = ()
    """Which classes meet the criterion, in the order of their names; `judges` are those that can."""
    judges: tuple[bool, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The figures as they are written to JSON."""
        return {name: value for name, value in asdict(self).items() if name not in {"met", "judges"}}


def geometry(embeddings: npt.ArrayLike, labels: npt.ArrayLike) -> Geometry:
    """Angles of embeddings [N, D], not necessarily of unit length, with classes [N], integers or names.

    All N * (N - 1) / 2 angles are computed, in blocks. Raises FacezooError for other shapes, where there is
    no embedding, and for embeddings that are all zeros or not finite: they have no direction.
    """
    units = enrolment.unit_rows(embeddings)
    if not len(units):
        raise FacezooError("no embeddings, and so no angles", "Give at least one.")
    classes, codes = np.unique(arguments.labels(labels, len(units)), return_inverse=True)
    widest, nearest = np.full(len(classes), -1.0), np.full(len(classes), np.inf)
    intra, inter, intra_pairs, inter_pairs = 0.0, 0.0, 0, 0
    for rows, angles in _blocks(units):
        same = codes[rows, None] == codes
        itself = rows[:, None] == np.arange(len(units))
        own, others = same & ~itself, ~same
        np.maximum.at(widest, codes[rows], np.max(angles, axis=1, where=own, initial=-1.0))
        np.minimum.at(nearest, codes[rows], np.min(angles, axis=1, where=others, initial=np.inf))
        intra, inter = intra + np.sum(angles, where=own), inter + np.sum(angles, where=others)
        intra_pairs, inter_pairs = intra_pairs + int(own.sum()), inter_pairs + int(others.sum())
    judged = widest >= 0
    return Geometry(
        intra_max=_degrees(widest.max()) if intra_pairs else None,
        intra_mean=_degrees(intra / intra_pairs) if intra_pairs else None,
        inter_min=_degrees(nearest.min()) if inter_pairs else None,
        inter_mean=_degrees(inter / inter_pairs) if inter_pairs else None,
        criterion=float(np.mean(widest[judged] < nearest[judged])) if intra_pairs and inter_pairs else None,
        classes=len(classes),
        judged=int(judged.sum()),
        images=len(units),
        met=tuple((judged & (widest < nearest)).tolist()),
        judges=tuple(judged.tolist()),
    )


def _blocks(units: Floats) -> Iterator[tuple[npt.NDArray[np.int64], Floats]]:
    """Some rows' numbers and their angles to all, in radians."""
    height = max(1, _ELEMENTS // len(units))
    for start in range(0, len(units), height):
        rows = np.arange(start, min(start + height, len(units)))
        yield rows, np.arccos(np.clip(units[rows] @ units.T, -1, 1))


def _degrees(radians: float) -> float:
    return float(np.degrees(radians))
