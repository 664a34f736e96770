"""From pixels of more than 8 bits to 8: scaled by the range that the file declares.

A file of 16 bits may hold values of 12, as many cameras and scanners give them; scaled as if they were of 16
bits they come out nearly black. The rule: values are scaled by the largest one that the file declares (see
`depth_of`). Where it declares none, or one that its values exceed, 16 bits are taken as full if any value
lies beyond the lowest sixteenth of the range; else the image is refused. So are 16-bit colours in that
sixteenth, of which Pillow gives only the upper 8 bits, and all other integers and floating point, whose range
is nobody's convention.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFile

FULL: Final = 2**16 - 1
SIXTEENTH: Final = 2**12
BITS_PER_SAMPLE, MAX_SAMPLE_VALUE, S_MAX_SAMPLE_VALUE = 258, 281, 341
WHOLE_BITS: Final = frozenset(2**bits - 1 for bits in range(9, 32))
CHUNK: Final = 2**20
"""Values that are scaled at once: bounds the memory that double precision takes."""
TOO_DARK: Final = (
    "16-bit pixels up to {:,} of {:,}: they show nothing, "
    "or hold fewer bits, and the file does not say how many"
)


class UndeclaredRangeError(Exception):
    """Values whose range is not known; the text says what was found."""


@dataclass(frozen=True)
class Depth:
    """What an opened image says of values of more than 8 bits."""

    maximum: int | None
    """The largest value that it declares, in the scale in which Pillow gives values; None: it does not."""
    sixteen: bool
    """Whether values are of 16 bits: `FULL` is then the largest possible."""
    upper_bits: bool
    """Whether Pillow gives the upper 8 of 16 bits of each colour."""


def depth_of(image: ImageFile.ImageFile, data: bytes) -> Depth:
    """The depth of an opened image that is not yet loaded, from the bytes of its file.

    TIFF declares its largest value in BitsPerSample from 9 to 15, or in MaxSampleValue or SMaxSampleValue if
    that is 2^n - 1 (otherwise it is what occurs in this image); PNG in the chunk sBIT; PGM, PPM and JPEG 2000
    in their headers, by which Pillow scales to 16 or 8 bits.
    """
    sixteen = image.mode.startswith("I;16") or image.format == "PPM"
    arguments = _arguments(image)
    if image.format == "PPM":
        full = not {FULL, "I;16B"}.isdisjoint(arguments)
        return Depth(None if full else FULL, sixteen, FULL in arguments)
    if image.format == "JPEG2000":
        full = _bits_of_jpeg2000(data) == 16
        return Depth(None if full else FULL, sixteen, full)
    upper_bits = any(";16" in str(argument) for argument in arguments)
    declared = {"TIFF": _of_tiff, "PNG": _of_png}.get(image.format or "")
    return Depth(declared(image, data) if declared else None, sixteen, upper_bits)


def eight_bits(image: Image.Image, depth: Depth) -> Image.Image:
    """A loaded image in 8-bit RGB or grey; UndeclaredRangeError where its range is not known."""
    if image.mode == "I" or image.mode.startswith("I;16"):
        values = np.asarray(image)
        return Image.fromarray(_scaled(values, _maximum(values, depth)))
    if image.mode == "F":
        message = "floating-point pixels, whose range is not defined"
        raise UndeclaredRangeError(message)
    if depth.upper_bits and depth.maximum != FULL:
        _require_light(image)
    return image if image.mode in {"L", "RGB"} else image.convert("RGB")


def _maximum(values: npt.NDArray[Any], depth: Depth) -> int:
    """The value that becomes 255."""
    lowest, highest = int(values.min()), int(values.max())
    if depth.maximum is not None and lowest >= 0 and highest <= depth.maximum:
        return depth.maximum
    if not depth.sixteen:
        message = f"integers from {lowest:,} to {highest:,}; the file declares no range that they lie in"
        raise UndeclaredRangeError(message)
    if 0 < highest < SIXTEENTH:
        raise UndeclaredRangeError(TOO_DARK.format(highest, FULL))
    return FULL


def _scaled(values: npt.NDArray[Any], maximum: int) -> npt.NDArray[np.uint8]:
    """Integers [H, W] from 0 to `maximum`, scaled to 255 and rounded."""
    # Pillow's own conversion clips at 255 instead of scaling
    flat, scaled = values.reshape(-1), np.empty(values.size, np.uint8)
    for start in range(0, values.size, CHUNK):
        part = slice(start, start + CHUNK)
        scaled[part] = np.rint(flat[part] / (maximum / 255))
    return scaled.reshape(values.shape)


def _require_light(image: Image.Image) -> None:
    extremes: Any = image.getextrema()
    bands = zip(image.getbands(), extremes if len(image.getbands()) > 1 else [extremes], strict=True)
    highest = max(high for band, (_, high) in bands if band not in {"A", "a", "X"})
    if highest <= 16:  # a sixteenth of 256, which 12 bits may be rounded up to
        raise UndeclaredRangeError(TOO_DARK.format(highest, 255))


def _arguments(image: ImageFile.ImageFile) -> tuple[Any, ...]:
    """What Pillow tells its decoder: among others the layout of the file's values."""
    arguments = image.tile[0][3] if image.tile else ()
    return arguments if isinstance(arguments, tuple) else (arguments,)


def _of_tiff(image: ImageFile.ImageFile, _: bytes) -> int | None:
    tags = getattr(image, "tag_v2", {})
    bits = tags.get(BITS_PER_SAMPLE, (0,))[0]
    if 8 < bits < 16:
        return int(2**bits - 1)
    for tag in (S_MAX_SAMPLE_VALUE, MAX_SAMPLE_VALUE):
        value: Any = tags.get(tag)
        value = value[0] if isinstance(value, tuple) and value else value
        if value in WHOLE_BITS:
            return int(value)
    return None


def _of_png(_: ImageFile.ImageFile, data: bytes) -> int | None:
    place = 8
    while place + 9 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, place)
        if kind == b"sBIT" and 8 < data[place + 8] <= 16:
            return int(2 ** data[place + 8] - 1)
        if kind == b"IDAT":
            break
        place += 12 + length
    return None


def _bits_of_jpeg2000(data: bytes) -> int:
    """Of the first component, from the marker SIZ of the codestream."""
    place = data.find(b"\xff\x4f\xff\x51") + 42
    return (data[place] & 127) + 1 if 42 <= place < len(data) else 8
