"""Characters as classes, fonts as samples: a source of images for what thousands of classes ask of a head."""

from __future__ import annotations

from typing import Final

from facezoo.data import SourceSpec

source: Final = SourceSpec(
    name="glyphs",
    summary="characters of a script, drawn by the fonts that are installed: glyphs:han,fonts=20",
    open="facezoo_glyphs.images:open_glyphs",
    pairs="facezoo_glyphs.images:held_out_pairs",
    recipe={
        # every epoch has a jitter of its own, and a mirrored character is none
        "data": {"flip": False, "crop": 1.0},
        "evaluate": {"flip": False},
    },
)
