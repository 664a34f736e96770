"""Which characters a face of a font file really has."""

from __future__ import annotations

from collections import Counter
from typing import Final

import numpy as np
from fontTools.ttLib import TTFont

from facezoo_glyphs.outlines import outlines
from facezoo_glyphs.scripts import Codes, is_character

SHARED: Final = 8
"""Characters with one outline: as many, and it is a placeholder. Letters of several scripts may share one, as
do up to five in common fonts."""


class NoOutlinesError(Exception):
    """A font of pictures of one size, which says nothing about how to draw a letter larger."""


def covered(font: TTFont) -> Codes:
    """The characters of a face, less those that it has in name only ("tofu").

    These are drawn as nothing, as the glyph that stands for what is missing (.notdef), or as a glyph that
    many characters share. Raises NoOutlinesError, and whatever fontTools does with a damaged font.
    """
    outline = outlines(font)
    if outline is None:
        raise NoOutlinesError("no outlines, only pictures of one size")
    # glyphs by number: their real names would take longer to read than all else
    font.setGlyphOrder([str(glyph) for glyph in range(font["maxp"].numGlyphs)])
    named = {code: int(glyph) for code, glyph in (font.getBestCmap() or {}).items() if is_character(code)}
    drawn = {code: outline(glyph) for code, glyph in named.items()}
    uses = Counter(drawn.values())
    tofu = {b"", outline(0)} | {shape for shape, count in uses.items() if count >= SHARED}
    return np.array(sorted(code for code, shape in drawn.items() if shape not in tofu), np.int64)
