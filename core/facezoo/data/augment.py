"""Augmentation of training images, each draw a function of (seed, epoch, image) alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from facezoo.data import effects
from facezoo.data.decode import Pixels
from facezoo.data.draws import uniform

STRETCH = 0.2  # width / height of a crop lies within exp(+-STRETCH)
ERASED = (0.2, 0.5)  # side of an erased square, as a share of the image's
BLURRED = (0.004, 0.02)  # standard deviation of a blur, as a share of the image's side
COARSE = (0.25, 0.75)  # side to which an image is reduced and enlarged again, as a share


@dataclass(frozen=True)
class Augmentation:
    """What is done to training images, in this order; the defaults do nothing.

    `flip` mirrors half of them. `crop` < 1 takes a rectangle at random, its sides between this share and the
    whole of the image's, and scales it to the full size. `jitter` > 0 changes contrast by a factor within 1
    +- jitter and brightness by up to jitter times half the range. The others are shares of images: `grey`
    takes the colour out; `blur` blurs with a Gaussian of a standard deviation of 0.4 to 2 % of the side;
    `low_resolution` reduces the image to 25 to 75 % of its side and enlarges it again; `erase` paints a
    square, 20 to 50 % of the image wide, over with one grey.
    """

    flip: bool = False
    crop: float = 1.0
    jitter: float = 0.0
    grey: float = 0.0
    blur: float = 0.0
    low_resolution: float = 0.0
    erase: float = 0.0

    def apply(self, pixels: Pixels, images: npt.NDArray[np.int64], seed: int, epoch: int) -> Pixels:
        """The images numbered `images` [n], given as uint8 [n, size, size, 3], as this epoch sees them.

        `pixels` may be changed in place; an image comes out the same whatever others it is in a batch with.
        """
        draw = _Draws(images, seed, epoch)
        if self.flip:
            mirrored = draw("flip") < 0.5
            pixels[mirrored] = pixels[mirrored, :, ::-1]
        if self.crop < 1:
            pixels = effects.cropped(pixels, self._boxes(draw))
        if self.jitter > 0:
            contrast = 1 + self.jitter * (2 * draw("contrast") - 1)
            brightness = 127.5 * self.jitter * (2 * draw("brightness") - 1)
            pixels = effects.jittered(pixels, contrast, brightness)
        if self.grey > 0:
            effects.grey(pixels, draw.rows("grey", self.grey))
        if self.blur > 0:
            effects.blur(pixels, draw.rows("blur", self.blur), draw.between("blur width", BLURRED))
        if self.low_resolution > 0:
            rows = draw.rows("low resolution", self.low_resolution)
            effects.coarsen(pixels, rows, draw.between("low resolution side", COARSE))
        if self.erase > 0:
            boxes = (draw.between("erase side", ERASED), draw("erase x"), draw("erase y"))
            effects.erase(pixels, draw.rows("erase", self.erase), *boxes, draw("erase grey"))
        return pixels

    def _boxes(self, draw: _Draws) -> npt.NDArray[np.float64]:
        """Left, top, right and bottom of each crop as shares of the image, float64 [n, 4]."""
        side = self.crop + (1 - self.crop) * draw("crop side")
        stretch = np.exp(STRETCH * (draw("crop shape") - 0.5))
        width, height = np.minimum(side * stretch, 1), np.minimum(side / stretch, 1)
        left, top = draw("crop x") * (1 - width), draw("crop y") * (1 - height)
        # rounding must not take a box over the edge, which Pillow refuses
        return np.minimum(np.stack([left, top, left + width, top + height], 1), 1)


@dataclass(frozen=True)
class _Draws:
    """The random numbers of one batch, by purpose."""

    images: npt.NDArray[np.int64]
    seed: int
    epoch: int

    def __call__(self, purpose: str) -> npt.NDArray[np.float64]:
        return uniform(self.seed, self.epoch, self.images, purpose)

    def rows(self, purpose: str, share: float) -> npt.NDArray[np.intp]:
        """Which rows of the batch belong to this share of all images."""
        return np.flatnonzero(self(purpose) < share)

    def between(self, purpose: str, limits: tuple[float, float]) -> npt.NDArray[np.float64]:
        low, high = limits
        return low + (high - low) * self(purpose)
