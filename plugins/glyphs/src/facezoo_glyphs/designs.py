"""Which faces are one design: families come in several files that draw most characters alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from facezoo_glyphs.fonts import Face
from facezoo_glyphs.scripts import Codes, of_script

ALIKE: Final = 0.5
"""Faces that draw this share of the sample characters alike, to the pixel, are one design. Among 324 faces
the fixed-width and proportional ones of a family were at 0.97 to 1, regional variants of one design at 0.59
to 0.97, families that share one part at 0.46 to 0.49, and all others at most at 0.06."""
LEAST: Final = 3
"""Sample characters that two faces must share to be told alike."""


@dataclass(frozen=True, eq=False)
class Design:
    """Faces that draw alike, which count as one font with the characters of all of them.

    The face with most characters comes first, and each character is drawn by the first that has it.
    """

    faces: tuple[Face, ...]
    codes: Codes

    @property
    def key(self) -> str:
        """Names the design, wherever its files lie."""
        return f"{self.faces[0].sha256}/{self.faces[0].number}"

    def drawing(self, codes: Codes) -> npt.NDArray[np.intp]:
        """Which of the faces draws each of some characters of `codes`, [n]."""
        return np.stack([np.isin(codes, face.codes) for face in self.faces]).argmax(axis=0)


def designs(faces: Sequence[Face], script: str) -> list[Design]:
    """The designs among faces, as they draw a script, those with most characters first."""
    having = [(face, codes) for face in faces if len(codes := of_script(face.codes, script))]
    having.sort(key=lambda item: (-len(item[1]), item[0].sha256, item[0].number))
    samples = _Samples([face for face, _ in having], script)
    groups: list[list[int]] = []
    for number in range(len(having)):
        alike = np.flatnonzero(samples.alike([group[0] for group in groups], number))
        if len(alike):
            groups[alike[0]].append(number)
        else:
            groups.append([number])
    return [
        Design(
            tuple(having[number][0] for number in group),
            np.unique(np.concatenate([having[number][1] for number in group])),
        )
        for group in groups
    ]


class _Samples:
    """How faces draw the sample characters of a script, face by face."""

    def __init__(self, faces: Sequence[Face], script: str) -> None:
        every = [face.samples for face in faces] or [np.array([], np.int64)]
        codes = of_script(np.unique(np.concatenate(every)), script)
        self.pictures = np.zeros((len(faces), len(codes)), np.uint64)  # 0: not there
        for row, face in zip(self.pictures, faces, strict=True):
            _, ours, theirs = np.intersect1d(codes, face.samples, assume_unique=True, return_indices=True)
            row[ours] = face.pictures[theirs]

    def alike(self, some: Sequence[int], one: int) -> npt.NDArray[np.bool_]:
        """Which of some faces draw alike what one draws, bool [n]."""
        theirs, ours = self.pictures[some], self.pictures[one]
        shared = (theirs != 0) & (ours != 0)
        count = shared.sum(axis=1)
        return (count >= LEAST) & ((shared & (theirs == ours)).sum(axis=1) >= ALIKE * count)
