"""Which characters a script has: the classes."""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt
from fontTools import unicodedata
from fontTools.unicodedata import Scripts

from facezoo._words import did_you_mean, shown
from facezoo.errors import FacezooError

Codes = npt.NDArray[np.int64]
"""Code points, ascending."""

PARTS_OF_SYLLABLES: Final = ((0x1100, 0x11FF), (0xA960, 0xA97F), (0xD7B0, 0xD7FF))
"""Hangul letters that only stand within a syllable; first and last code point."""
OF_NO_SCRIPT: Final = ("common", "inherited", "unknown")


def is_character(code: int) -> bool:
    """Whether a code point is a letter that stands alone, and not another way to write some other one.

    Letters are Unicode's categories L. What normalisation (NFKC) turns into something else, such as
    full-width letters and the compatibility ideographs, would be a second class with the first one's
    pictures.
    """
    text = chr(code)
    if not unicodedata.category(text).startswith("L") or unicodedata.normalize("NFKC", text) != text:
        return False
    return not any(first <= code <= last for first, last in PARTS_OF_SYLLABLES)


def of_script(codes: Codes, script: str) -> Codes:
    """Those of the code points that belong to a script, named as `names` has it."""
    first, ours = _ranges(script)
    return codes[ours[np.searchsorted(first, codes, "right") - 1]]


def check_script(script: str) -> str:
    """The name of a script in small letters ("han", "old italic"); FacezooError for what is none."""
    if script.lower() in names():
        return script.lower()
    message = f"script {shown(script)}: Unicode has none of this name{did_you_mean(script.lower(), names())}"
    raise FacezooError(message, "Such as han, hangul, hiragana, katakana, latin, greek, cyrillic.")


def names() -> list[str]:
    """The names of all scripts, as Unicode has them but in small letters."""
    found = (name.replace("_", " ").lower() for name in Scripts.NAMES.values())
    return sorted(name for name in found if name not in OF_NO_SCRIPT)


@cache
def _ranges(script: str) -> tuple[Codes, npt.NDArray[np.bool_]]:
    """The first code points of the ranges that scripts divide all into, and which ranges are the script's."""
    code = unicodedata.script_code(script)
    return np.array(Scripts.RANGES), np.array([value == code for value in Scripts.VALUES])
