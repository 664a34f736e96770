"""From what is read of an image to a square of 8-bit RGB."""

from __future__ import annotations

import logging
from contextlib import suppress
from io import BytesIO
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, ImageFile, UnidentifiedImageError
from PIL import __version__ as pillow

from facezoo._words import first_line
from facezoo.data.depth import UndeclaredRangeError, depth_of, eight_bits
from facezoo.data.formats import formats, heif_version

# with no handler at all, Python prints what Pillow logs of a damaged file, which it does not name
logging.getLogger("PIL").addHandler(logging.NullHandler())

Pixels = npt.NDArray[np.uint8]
Fit = Literal["resize", "crop"]

DECODER: Final = f"2, Pillow {pillow}{heif_version()}"
"""What decided the pixels: raised, or another Pillow, means that pixels kept from before are stale."""

MAX_PIXELS: Final = 2**26
"""67,108,864, a square of 8,192: images of more, by their headers, are not decoded. What is decoded takes up
to 4 bytes per pixel, twice while it is converted, in each thread."""

TURNED: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""How an image is brought upright for each orientation that EXIF knows, but 1, which is upright."""
TILE_SIDES: Final = (322, 323)
"""TIFF tags: TileWidth and TileLength."""


EXIF, NOT_EXIF, HEAD = b"Exif", b"none", 2**16
"""What marks an EXIF block in JPEG and AVIF; a mark that nobody reads; where marks are looked for, bytes."""


class UnreadableImageError(Exception):
    """An image that cannot be decoded; its text is the reason, without the path, which the caller knows."""


class InaccessibleImageError(UnreadableImageError):
    """A file that the system did not give out: another attempt may succeed though the file is unchanged."""


class OtherAspectError(UnreadableImageError):
    """An image of another aspect ratio than the square input, where cropping was not asked for."""


def decode(data: bytes | Pixels, size: int, fit: Fit = "resize") -> Pixels:
    """An image, encoded or as pixels uint8 [H, W, 3], scaled to `size` x `size`: uint8 [size, size, 3], RGB.

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


def load(data: bytes | Pixels) -> Image.Image:
    """The whole image, upright, in 8-bit RGB or grey; raises UnreadableImageError with the reason.

    An EXIF block that cannot be read is passed over: it says nothing of the pixels.
    """
    if isinstance(data, np.ndarray):
        return Image.fromarray(data)
    try:
        return _loaded(data)
    except UnreadableImageError:
        if EXIF in (head := data[:HEAD]):  # which some formats read, and stumble over, before any pixel
            with suppress(UnreadableImageError):
                return _loaded(head.replace(EXIF, NOT_EXIF) + data[HEAD:])
        raise


def _loaded(data: bytes) -> Image.Image:
    try:
        with Image.open(BytesIO(data), formats=formats()) as image:
            _require_bounded(image)
            depth = depth_of(image, data)
            if image.format == "TIFF":
                _turn_when_loaded(image)
                image.load()
                return eight_bits(image, depth)
            image.load()
            return eight_bits(_upright(image), depth)
    except UnidentifiedImageError:
        reason = "empty file" if not data else "not an image in a format that facezoo reads"
        raise UnreadableImageError(reason) from None
    except Image.DecompressionBombError:
        raise UnreadableImageError(_too_many("far too many")) from None
    except UndeclaredRangeError as problem:
        raise UnreadableImageError(str(problem)) from None
    except UnreadableImageError:
        raise
    except MemoryError as problem:  # says nothing of the image
        raise InaccessibleImageError("not enough memory to decode it") from problem
    except Exception as problem:  # Pillow's plugins raise whatever their parsing trips over
        raise UnreadableImageError(first_line(problem)) from problem


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


def _require_bounded(image: ImageFile.ImageFile) -> None:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise UnreadableImageError(_too_many(f"{width:,} x {height:,}"))
    tags = getattr(image, "tag_v2", {})  # a TIFF may declare tiles larger than itself
    tile_width, tile_height = (tags.get(tag, 0) for tag in TILE_SIDES)
    if tile_width * tile_height > MAX_PIXELS:
        raise UnreadableImageError(_too_many(f"tiles of {tile_width:,} x {tile_height:,}"))


def _too_many(pixels: str) -> str:
    return f"{pixels} pixels, by its header; at most {MAX_PIXELS:,} are decoded"


def _upright(image: Image.Image) -> Image.Image:
    turn = _turn(image)
    return image if turn is None else image.transpose(turn)


def _turn_when_loaded(image: Any) -> None:
    """Have a TIFF turned as it is loaded, when Pillow would do so, but would stumble over EXIF."""

    def load_end() -> None:
        if (turn := _turn(image)) is not None:
            image.im = image.im.transpose(turn)
        image._size = image.im.size

    image.load_end = load_end


def _turn(image: Image.Image) -> Image.Transpose | None:
    """What brings an image upright, by its EXIF block, or where that cannot be read by a TIFF's own tags."""
    try:
        return TURNED.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # noqa: BLE001 (as with pixels: whatever the parsing trips over)
        return TURNED.get(getattr(image, "tag_v2", {}).get(ExifTags.Base.Orientation, 1))
