"""The outlines of a font's glyphs as it stores them: equal bytes draw equal pictures."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Final

from fontTools.pens.boundsPen import ControlBoundsPen
from fontTools.ttLib import TTFont

Outline = Callable[[int], bytes]
"""The outline of a glyph by its number, as the font stores it; empty where it draws nothing."""

PERHAPS_EMPTY: Final = 12
"""Bytes of a CFF program: a shorter one may only set a width, or call a subroutine that draws."""


def outlines(font: TTFont) -> Outline | None:
    """How to find a font's outlines; None where it has none, but pictures of one size."""
    if "glyf" in font:
        return _truetype(font)
    for table in ("CFF ", "CFF2"):
        if table in font:
            return _postscript(font[table].cff.topDictIndex[0].CharStrings)
    return None


def _truetype(font: TTFont) -> Outline:
    places, data = font["loca"].locations, font.getTableData("glyf")
    return lambda glyph: data[places[glyph] : places[glyph + 1]]


def _postscript(programs: Any) -> Outline:
    @cache  # drawing takes a program's bytes apart
    def outline(glyph: int) -> bytes:
        program = programs.charStringsIndex[glyph]
        code: bytes = program.bytecode
        if len(code) > PERHAPS_EMPTY:
            return code
        pen = ControlBoundsPen(None)
        program.draw(pen)
        return code if pen.bounds else b""

    return outline
