"""A character as a font draws it: its ink, before anything is done to it."""

from __future__ import annotations

import threading
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw, ImageFont, features
from PIL import __version__ as pillow

EM: Final = 52
"""Pixels of the em, the square that a font is designed in, where nothing else is asked for."""
MISSING: Final = "\U0010fffe"
"""No character, and so in no font: what is drawn for it is what is drawn for what is missing."""
KEPT: Final = 256
"""Opened faces that a thread keeps."""

DRAWING: Final = f"1, Pillow {pillow}, FreeType {features.version('freetype2')}"
"""What decides how characters are drawn, beside the fonts: another text means other pictures."""

_thread = threading.local()


class NoGlyphError(Exception):
    """A font that draws nothing for a character, or what it draws for every missing one."""


class Pen:
    """One face of a font file, opened. FreeType's faces are not for two threads at once: see `pen`."""

    def __init__(self, path: Path, number: int, em: int) -> None:
        layout = ImageFont.Layout.BASIC  # one character needs no shaping, and another library decides nothing
        self._em, self._font = em, ImageFont.truetype(path, em, index=number, layout_engine=layout)
        self._missing: Image.Image | None = None
        with suppress(NoGlyphError):  # what cannot be drawn is not taken for a character either
            self._missing = self._drawn(MISSING)

    def draw(self, code: int) -> Image.Image:
        """The character's ink, cut out: 8-bit grey, 255 for ink. Raises NoGlyphError."""
        drawn = self._drawn(chr(code))
        if drawn == self._missing:
            raise NoGlyphError("the font draws a placeholder for it")
        return drawn

    def _drawn(self, text: str) -> Image.Image:
        try:
            left, top, right, bottom = map(int, self._font.getbbox(text))
            page = Image.new("L", (min(right - left, self._most), min(bottom - top, self._most)))
            ImageDraw.Draw(page).text((-left, -top), text, 255, self._font)
        except OSError as problem:  # a faulty program of the font's
            raise NoGlyphError(f"the font cannot draw it ({problem})") from problem
        box = page.getbbox()
        if box is None:
            raise NoGlyphError("the font draws nothing for it")
        return page.crop(box)

    @property
    def _most(self) -> int:
        """Pixels: what is larger is cut off, whatever a font says of its size."""
        return 4 * self._em


def pen(path: Path, number: int, em: int) -> Pen:
    """This thread's pen for a face; OSError where FreeType cannot open it."""
    if not hasattr(_thread, "pens"):
        _thread.pens = lru_cache(KEPT)(Pen)
    opened: Pen = _thread.pens(path, number, em)
    return opened
