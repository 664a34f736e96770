"""Fonts of a few glyphs, made here: no test needs one that is installed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.t2CharStringPen import T2CharStringPen
from fontTools.pens.ttGlyphPen import TTGlyphPen

Shape = list[tuple[int, int]]
UNITS = 1000
BOX: Shape = [(100, 0), (100, 700), (600, 700), (600, 0)]


def polygon(character: str, style: int) -> Shape:
    """Corners that are the character's own, and a little others in each style."""
    corners = np.random.default_rng(ord(character)).integers(0, 700, (7, 2))
    moved = corners + np.random.default_rng([style, ord(character)]).integers(0, 90, (7, 2))
    return [(int(x), int(y)) for x, y in moved]


def write(
    path: Path,
    characters: str,
    style: int = 0,
    *,
    shapes: dict[str, Shape] | None = None,
    cff: bool = False,
    width: int = UNITS,
) -> Path:
    """A font file of some characters in a style; `shapes` replaces some, and [] draws nothing."""
    drawn = {character: polygon(character, style) for character in characters} | (shapes or {})
    glyphs = {".notdef": BOX} | {f"u{ord(character):04X}": shape for character, shape in drawn.items()}
    builder = FontBuilder(UNITS, isTTF=not cff)
    builder.setupGlyphOrder(list(glyphs))
    builder.setupCharacterMap({ord(character): f"u{ord(character):04X}" for character in drawn})
    if cff:
        builder.setupCFF(path.stem, {}, {name: _program(shape, width) for name, shape in glyphs.items()}, {})
    else:
        builder.setupGlyf({name: _glyph(shape) for name, shape in glyphs.items()})
    builder.setupHorizontalMetrics(dict.fromkeys(glyphs, (width, 0)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": path.stem, "styleName": "Regular", "fullName": path.stem})
    builder.setupOS2()
    builder.setupPost()
    path.parent.mkdir(parents=True, exist_ok=True)
    builder.save(path)
    return path


def _glyph(shape: Shape):
    return _with(TTGlyphPen(None), shape).glyph()


def _program(shape: Shape, width: int):
    return _with(T2CharStringPen(width, None), shape).getCharString()


def _with(pen, shape: Shape):
    if shape:
        pen.moveTo(shape[0])
        for corner in shape[1:]:
            pen.lineTo(corner)
        pen.closePath()
    return pen


@pytest.fixture(autouse=True)
def own_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The index in a folder of the test's own, and no fonts but its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("facezoo_glyphs.images.standard_folders", lambda: (tmp_path / "fonts",))


@pytest.fixture
def write_font() -> Callable[..., Path]:
    """See `write`."""
    return write


@pytest.fixture
def fonts(tmp_path: Path) -> Path:
    """A folder of three fonts of twelve letters, each of another design."""
    for style in range(3):
        write(tmp_path / "fonts" / f"style{style}.ttf", "ABCDEFGHIJKL", style)
    return tmp_path / "fonts"
