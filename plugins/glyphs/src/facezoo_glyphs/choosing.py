"""Which characters, drawn by which faces: classes and samples, and the split of the characters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from facezoo.data.draws import uniform
from facezoo.errors import FacezooError
from facezoo_glyphs.designs import Design
from facezoo_glyphs.fonts import Face
from facezoo_glyphs.request import Request
from facezoo_glyphs.scripts import Codes

INSTALL = "`facezoo data glyphs --list-fonts` says which fonts there are, and which to install."


@dataclass(frozen=True, eq=False)
class Samples:
    """Characters as faces draw them, by character: sample n is `codes[n]`, drawn by `faces[drawing[n]]`."""

    codes: Codes
    faces: tuple[Face, ...]
    drawing: npt.NDArray[np.int64]


def held_out(codes: Codes, seed: int, share: float) -> npt.NDArray[np.bool_]:
    """Which characters are not trained on, bool [n]: a function of seed, share and code point alone."""
    return uniform(seed, 0, codes, "glyphs: held out") < share


def countable(designs: Sequence[Design], fonts: int) -> Codes:
    """The characters that stand in at least so many designs, ascending."""
    if not designs:
        return np.array([], np.int64)
    codes, counts = np.unique(np.concatenate([design.codes for design in designs]), return_counts=True)
    return codes[counts >= fonts]


def choose(designs: Sequence[Design], request: Request, most: int | None = None) -> Samples:
    """The samples that a request asks for, by character and then as the designs come; of its part, at most
    `most` characters.

    Each character that stands in enough designs has `request.fonts` samples, in designs drawn for it alone.
    FacezooError where there are fewer than two characters.
    """
    codes = foremost(countable(designs, request.fonts), request.characters, request.seed)
    ours = held_out(codes, request.seed, request.held_out) == (request.part == "held-out")
    codes = foremost(codes[ours], most, request.seed)
    if len(codes) < 2:
        raise _too_few(designs, request, len(codes))
    drawn = _drawn(designs, codes, request).ravel()
    first = np.cumsum([0, *(len(design.faces) for design in designs)])
    codes = np.repeat(codes, request.fonts)
    drawing = np.empty(len(codes), np.int64)
    for number, design in enumerate(designs):
        ours = np.flatnonzero(drawn == number)
        drawing[ours] = first[number] + design.drawing(codes[ours])
    return Samples(codes, tuple(face for design in designs for face in design.faces), drawing)


def foremost(codes: Codes, count: int | None, seed: int) -> Codes:
    """The first of the characters in an order that is drawn, sorted; all of them for None."""
    turn = uniform(seed, 0, codes, "glyphs: turn of a character")
    return np.sort(codes[np.argsort(turn, kind="stable")[:count]])


def _drawn(designs: Sequence[Design], codes: Codes, request: Request) -> npt.NDArray[np.intp]:
    """The designs that draw each character, as ascending indices, [n, fonts]."""
    turns = [uniform(request.seed, 0, codes, f"glyphs: turn of {design.key}") for design in designs]
    there = [np.isin(codes, design.codes) for design in designs]
    turn = np.where(there, turns, 2.0)  # behind all others
    return np.sort(np.argsort(turn, axis=0, kind="stable")[: request.fonts].T, axis=1)


def _too_few(designs: Sequence[Design], request: Request, found: int) -> FacezooError:
    fonts, script = request.fonts, request.script
    what = f"glyphs: {found:,} {request.part} characters of {script} stand in {fonts} fonts; two are needed"
    if not designs:
        return FacezooError(f"{what}. No font here has any", INSTALL)
    _, counts = np.unique(np.concatenate([design.codes for design in designs]), return_counts=True)
    most = f"no more than {counts.max():,} of the {len(designs):,} fonts share a character"
    less = "; or ask for fewer fonts" if fonts > 1 else ""
    return FacezooError(f"{what}; {most}", f"{INSTALL[:-1]}{less} (glyphs:{script},fonts=N).")
