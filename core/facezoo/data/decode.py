"""From an image file's bytes to a square of 8-bit RGB."""

from __future__ import annotations

from io import BytesIO
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError
from PIL import __version__ as pillow

Pixels = npt.NDArray[np.uint8]
Fit = Literal["resize", "crop"]

DECODER: Final = f"1, Pillow {pillow}"
"""What decided the pixels: raised, or another Pillow, means that pixels kept from before are stale."""


class UnreadableImageError(Exception):
    """An image that cannot be decoded; its text is the reason, without the path, which the caller knows."""


class InaccessibleImageError(UnreadableImageError):
    """A file that the system did not give out: another attempt may succeed though the file is unchanged."""


class OtherAspectError(UnreadableImageError):
    """An image of another aspect ratio than the square input, where cropping was not asked for."""


def decode(data: bytes, size: int, fit: Fit = "resize") -> Pixels:
    """An image scaled to `size` x `size`: uint8 [size, size, 3], RGB.

    `fit` says what becomes of an image that is not square: "resize" refuses it, as stretching would change
    every face in it and a crop is a decision; "crop" takes its central square. Sides that differ by one pixel
    count as square: scaling rounds. Grey, palette, CMYK and 16-bit images become 8-bit RGB; an orientation
    noted by a camera is applied; transparency is dropped. Scaling is Pillow's bilinear filter, whose support
    grows with the reduction (no aliasing). Raises UnreadableImageError with the reason, and its kind
    OtherAspectError with both sides.
    """
    image = load(data)
    if fit == "resize" and not is_square(image.size):
        message = f"{image.width} x {image.height} pixels; the input is {size} x {size}"
        raise OtherAspectError(message)
    return _square(image, size)


def load(data: bytes) -> Image.Image:
    """The whole image, upright, in 8-bit RGB or grey; raises UnreadableImageError with the reason."""
    try:
        with Image.open(BytesIO(data)) as image:
            image.load()
            return _eight_bits(ImageOps.exif_transpose(image))
    except UnidentifiedImageError:
        reason = "empty file" if not data else "not an image in a format that Pillow reads"
        raise UnreadableImageError(reason) from None
    except UnreadableImageError:
        raise
    except Exception as problem:  # Pillow's plugins raise whatever their parsing trips over
        raise UnreadableImageError(f"{type(problem).__name__}: {problem}") from problem


def is_square(sides: tuple[int, int]) -> bool:
    """Whether an image of these sides, in pixels, has the aspect ratio 1, within rounding."""
    width, height = sides
    return abs(width - height) <= 1


def _square(image: Image.Image, size: int) -> Pixels:
    side = min(image.size)
    left, top = (image.width - side) / 2, (image.height - side) / 2
    if image.size != (size, size):
        box = (left, top, left + side, top + side)
        image = image.resize((size, size), Image.Resampling.BILINEAR, box)
    return np.asarray(image.convert("RGB"))


def _eight_bits(image: Image.Image) -> Image.Image:
    if image.mode in {"L", "RGB"}:
        return image
    if image.mode == "I" or image.mode.startswith("I;16"):
        # Pillow's own conversion clips at 255 instead of scaling
        return Image.fromarray(np.clip(np.rint(np.asarray(image) / 257), 0, 255).astype(np.uint8))
    if image.mode == "F":
        message = "32-bit floating-point pixels, whose range is not defined"
        raise UnreadableImageError(message)
    return image.convert("RGB")
