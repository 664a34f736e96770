"""The changes that augmentation makes, given what was drawn; pixels are uint8 [n, size, size, 3] throughout.

What works on some images of a batch changes `pixels` in place in those `rows`; every other argument has one
value for each image of the batch, float64 [n].
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from facezoo.data.decode import Pixels

Rows = npt.NDArray[np.intp]
Values = npt.NDArray[np.float64]
LUMA = np.array([77, 150, 29], np.uint16)  # BT.601's 0.299, 0.587, 0.114 in 256ths


def cropped(pixels: Pixels, boxes: Values) -> Pixels:
    """Each image's box (left, top, right, bottom as shares of the image, [n, 4]) scaled to the full size."""
    size = pixels.shape[1]
    result = np.empty_like(pixels)
    for row, box in enumerate((boxes * size).tolist()):
        image = Image.fromarray(pixels[row])
        result[row] = np.asarray(image.resize((size, size), Image.Resampling.BILINEAR, box))
    return result


def jittered(pixels: Pixels, contrast: Values, brightness: Values) -> Pixels:
    """Each image stretched about its mean by a factor `contrast`, then raised by `brightness` (8-bit)."""
    factor = contrast[:, None]
    flat = pixels.reshape(len(pixels), -1)
    middle = flat.mean(1, keepdims=True)
    offset = middle * (1 - factor) + brightness[:, None]
    changed = flat * factor.astype(np.float32) + offset.astype(np.float32)
    return np.clip(changed, 0, 255).astype(np.uint8).reshape(pixels.shape)


def grey(pixels: Pixels, rows: Rows) -> None:
    """Luma in all three channels."""
    for row in rows.tolist():
        luma = (pixels[row] @ LUMA + 128) >> 8
        pixels[row] = luma[..., None]


def blur(pixels: Pixels, rows: Rows, deviation: Values) -> None:
    """A Gaussian (Pillow's, of three box filters), its `deviation` a share of the image's side."""
    size = pixels.shape[1]
    for row in rows.tolist():
        image = Image.fromarray(pixels[row])
        pixels[row] = np.asarray(image.filter(ImageFilter.GaussianBlur(float(deviation[row] * size))))


def coarsen(pixels: Pixels, rows: Rows, share: Values) -> None:
    """Reduced to a `share` of the side and enlarged again, as a distant face is."""
    size = pixels.shape[1]
    for row in rows.tolist():
        side = max(2, round(share[row] * size))
        small = Image.fromarray(pixels[row]).resize((side, side), Image.Resampling.BILINEAR)
        pixels[row] = np.asarray(small.resize((size, size), Image.Resampling.BILINEAR))


def erase(pixels: Pixels, rows: Rows, sides: Values, x: Values, y: Values, value: Values) -> None:
    """A square painted over: its side a share of the image's, `x` and `y` its place from 0 to 1."""
    size = pixels.shape[1]
    for row in rows.tolist():
        side = max(1, int(sides[row] * size))
        left, top = int(x[row] * (size - side + 1)), int(y[row] * (size - side + 1))
        pixels[row, top : top + side, left : left + side] = int(value[row] * 256)
