"""What keeps two images of one design from being alike: each draw a function of (seed, epoch, image)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from facezoo.data import effects
from facezoo.data.draws import bits, uniform

Pixels = npt.NDArray[np.uint8]
Keys = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

JITTER: Final = 1
"""Raised whenever the same draws give other pictures."""
SIZE: Final = (0.75, 1.05)  # of the character, as a factor
SLANT: Final = 0.2  # dx / dy at most
TURN: Final = 5.0  # degrees at most
SHIFT: Final = 0.06  # share of the side at most
INK: Final = (0.0, 90.0)  # grey of the strokes
PAPER: Final = (165.0, 255.0)  # grey of what is around them
NOISE: Final = (0.0, 24.0)  # largest grey added or taken from a pixel
BLURRED: Final = 0.3  # of all images
BLUR: Final = (0.004, 0.015)  # standard deviation as a share of the side


def jittered(pixels: Pixels, keys: Keys, seed: int, epoch: int) -> Pixels:
    """Black characters on white, uint8 [n, S, S, 3], as images that differ in size, slant, angle, place, ink,
    paper, noise and sharpness: each a function of (seed, epoch, its key, int64 [n]).
    """
    draw = _Draws(keys, seed, epoch)
    grey = _moved(pixels[..., 0], draw).astype(np.float32) / 255
    ink, paper = draw("ink", *INK), draw("paper", *PAPER)
    grey = ink[:, None, None] + (paper - ink)[:, None, None] * grey
    grey += draw("noise", *NOISE)[:, None, None] * draw.noise(grey.shape)
    result = np.repeat(np.rint(grey.clip(0, 255)).astype(np.uint8)[..., None], 3, axis=3)
    effects.blur(result, np.flatnonzero(draw("blurred", 0, 1) < BLURRED), draw("blur", *BLUR))
    return result


@dataclass(frozen=True)
class _Draws:
    """The random numbers of some images, by purpose."""

    keys: Keys
    seed: int
    epoch: int

    def __call__(self, purpose: str, low: float, high: float) -> Floats:
        return low + (high - low) * uniform(self.seed, self.epoch, self.keys, f"glyphs: {purpose}")

    def noise(self, shape: tuple[int, ...]) -> Floats:
        """Numbers in [-1, 1) for each pixel, [n, S, S], 8 of them from 64 random bits."""
        first = bits(self.seed, self.epoch, self.keys, "glyphs: grain").view(np.int64)
        numbers = first[:, None] + np.arange(-(-shape[1] * shape[2] // 8))
        grain = bits(0, 0, numbers, "glyphs: grain of a pixel").astype("<u8", copy=False).view(np.uint8)
        return grain[:, : shape[1] * shape[2]].reshape(shape) / np.float32(128) - 1


def _moved(grey: Pixels, draw: _Draws) -> Pixels:
    """Each image about its middle: larger or smaller, slanted, turned and shifted; white comes in."""
    side = grey.shape[1]
    size, slant = draw("size", *SIZE), draw("slant", -SLANT, SLANT)
    angle = np.radians(draw("turn", -TURN, TURN))
    cos, sin = np.cos(angle), np.sin(angle)
    # Pillow asks where each pixel comes from: the inverse of turn (slant (size)), row by row
    a, b = (cos + slant * sin) / size, (sin - slant * cos) / size
    c, d = -sin / size, cos / size
    middle = side / 2
    x, y = (middle + draw(f"shift {axis}", -SHIFT, SHIFT) * side for axis in "xy")
    rows = np.stack([a, b, middle - a * x - b * y, c, d, middle - c * x - d * y], 1)
    return np.stack([_transformed(*each) for each in zip(grey, rows.tolist(), strict=True)])


def _transformed(grey: Pixels, matrix: list[float]) -> Pixels:
    image, how = Image.fromarray(grey), Image.Resampling.BILINEAR
    affine = Image.Transform.AFFINE
    return np.asarray(image.transform(image.size, affine, matrix, how, fillcolor=255))
