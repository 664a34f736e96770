"""The images of the data source: characters as the classes, fonts as the samples."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image, ImageOps

from facezoo._words import printable, shown
from facezoo.data import Declared, Images, OwnPairs, Pairs, UnreadableImageError
from facezoo.data.decode import Pixels
from facezoo.data.draws import bits
from facezoo.data.images import Numbers
from facezoo.errors import FacezooError
from facezoo_glyphs.choosing import Samples, choose
from facezoo_glyphs.designs import designs
from facezoo_glyphs.drawing import DRAWING, NoGlyphError, pen
from facezoo_glyphs.fonts import standard_folders
from facezoo_glyphs.index import library
from facezoo_glyphs.jitter import JITTER, jittered
from facezoo_glyphs.request import Request, read_request

RENDERING: Final = f"1; {DRAWING}"
"""Raised whenever a character comes out otherwise, jitter aside: pixels kept from before are then stale."""
FILLED: Final = 0.82
"""The em as a share of an image's side."""
LARGEST: Final = 0.96
"""Share of the side that a character's ink may take; larger ones are reduced to it."""
CENTRED: Final = "a character centred by its ink"
"""The alignment that the images declare."""
VERIFIED: Final = 1_000
"""Images that a run is verified on: 499,500 pairs."""


class Glyphs(Images):
    """Characters drawn by fonts, as a request wants them; uint8 [pixels, pixels, 3], grey.

    Those to train on are read as they are drawn, black on white, and every epoch of training jitters them
    anew. Those that are held out have one jitter each: a function of the request's seed, the character and
    the font.
    """

    def __init__(self, place: str, request: Request, samples: Samples) -> None:
        self.place, self.request, self.samples = place, request, samples
        codes, labels = np.unique(samples.codes, return_inverse=True)
        self.labels = labels.astype(np.int64)
        self.identities = tuple(f"U+{code:04X}" for code in codes.tolist())
        fonts = [f"{face.path.stem}.{face.number}-{face.sha256[:8]}" for face in samples.faces]
        drawn = zip(labels.tolist(), samples.drawing.tolist(), strict=True)
        self.names = tuple(f"{self.identities[label]}/{fonts[face]}" for label, face in drawn)
        self.declared = Declared(place, {"aspect": 1.0, "alignment": CENTRED})
        self._still = request.part == "held-out"
        self._keys = _keys(samples)

    def read(self, image: int) -> Pixels:
        """See `Images`."""
        code, face = int(self.samples.codes[image]), self.samples.faces[self.samples.drawing[image]]
        side = self.request.pixels
        try:
            ink = pen(face.path, face.number, round(FILLED * side)).draw(code)
        except NoGlyphError as problem:
            raise UnreadableImageError(str(problem)) from problem
        pixels = _centred(ink, side)
        if not self._still:
            return pixels
        return jittered(pixels[None], self._keys[[image]], self.request.seed, 0)[0]

    def state(self, image: int) -> str:
        """See `Images`."""
        face = self.samples.faces[self.samples.drawing[image]]
        jitter = f"jitter {JITTER} of seed {self.request.seed}" if self._still else "as drawn"
        glyph = f"{face.sha256} {face.number} U+{self.samples.codes[image]:04X}"
        return f"{glyph} {self.request.pixels} px, {jitter}; {RENDERING}"

    def printable(self, image: int) -> str:
        """See `Images`."""
        code, face = int(self.samples.codes[image]), self.samples.faces[self.samples.drawing[image]]
        return f"{chr(code)} (U+{code:04X}) in {face.name} ({printable(str(face.path))}, face {face.number})"

    def vary(self, pixels: Pixels, images: Numbers, seed: int, epoch: int) -> Pixels:
        """See `Images`."""
        return pixels if self._still else jittered(pixels, self._keys[images], seed, epoch)


def open_glyphs(rest: str) -> Glyphs:
    """The images that the text behind `glyphs:` asks for. FacezooError where no fonts have them."""
    return _opened(rest, read_request(rest))


def held_out_pairs(rest: str) -> OwnPairs:
    """All pairs of the first of the characters that are held out: as many as `VERIFIED` images allow.

    Which characters come first is drawn; the benchmark `all-pairs` takes all that there are.
    """
    request = read_request(rest).model_copy(update={"part": "held-out"})
    images = _opened(rest, request, most=max(2, VERIFIED // request.fonts))
    left, right = np.triu_indices(len(images), 1)
    pairs = Pairs(left, right, images.labels[left] == images.labels[right])
    return OwnPairs(
        f"{images.place}, {len(images.identities):,} held-out characters, all pairs", images, pairs
    )


def folders_of(request: Request) -> tuple[Path, ...]:
    """Where a request has fonts looked for."""
    return (request.folder,) if request.folder else standard_folders()


def _opened(rest: str, request: Request, most: int | None = None) -> Glyphs:
    if request.folder and not request.folder.is_absolute():
        absolute = f"folder={request.folder.absolute()}"
        message = f"glyphs.folder: {shown(str(request.folder))} is relative; a run must find it from anywhere"
        raise FacezooError(message, f"Say {printable(absolute)}.")
    fonts = library(folders_of(request))
    samples = choose(designs(fonts.faces, request.script), request, most)
    images = Glyphs(f"glyphs:{rest}" if rest else "glyphs", request, samples)
    images.left_out = fonts.left_out
    return images


def _centred(ink: Image.Image, side: int) -> Pixels:
    """Ink on white, in the middle of an image; uint8 [side, side, 3]."""
    most = int(LARGEST * side)
    if max(ink.size) > most:
        ink.thumbnail((most, most), Image.Resampling.BILINEAR)
    page = Image.new("L", (side, side))
    page.paste(ink, ((side - ink.width) // 2, (side - ink.height) // 2))
    return np.asarray(ImageOps.invert(page).convert("RGB"))


def _keys(samples: Samples) -> Numbers:
    """A number for each sample by its font and character alone, which draws are functions of; int64 [n]."""
    keys = np.empty(len(samples.codes), np.int64)
    for number, face in enumerate(samples.faces):
        ours = np.flatnonzero(samples.drawing == number)
        keys[ours] = bits(0, 0, samples.codes[ours], f"glyphs: {face.sha256}/{face.number}").view(np.int64)
    return keys
