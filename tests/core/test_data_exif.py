"""EXIF turns an image where it can be read, and never makes good pixels unreadable."""

from __future__ import annotations

import struct
import warnings
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from facezoo.data.decode import load

PIXELS = np.arange(16 * 24, dtype=np.uint8).reshape(16, 24) // 2
ORIENTATION, X_RESOLUTION, EXIF_IFD, GPS_IFD = 0x0112, 0x011A, 0x8769, 0x8825
SHORT, ASCII, LONG, RATIONAL, SIGNED_LONG, SRATIONAL = 3, 2, 4, 5, 9, 10


def exif(*entries: tuple[int, int, int, bytes], offset: int = 8) -> bytes:
    """A block of these (tag, type, count, four bytes), sorted, in big-endian order."""
    body = b"".join(struct.pack(">HHI", *entry[:3]) + entry[3] for entry in sorted(entries))
    return b"Exif\0\0MM\0*" + struct.pack(">IH", offset, len(entries)) + body + bytes(4)


def orientation(value: int) -> tuple[int, int, int, bytes]:
    return (ORIENTATION, SHORT, 1, struct.pack(">HH", value, 0))


def encoded(form: str, block: bytes) -> bytes:
    """The pixels in a format, with an EXIF block that nothing has checked."""
    file = BytesIO()
    kind = {"quality": 100} if form == "jpeg" else {"lossless": True} if form == "webp" else {}
    Image.fromarray(PIXELS).save(file, form, exif=block, **kind)
    return file.getvalue()


def plain(form: str) -> np.ndarray:
    return np.asarray(load(encoded(form, b"")).convert("L")).astype(int)


@pytest.mark.parametrize("form", ["jpeg", "png", "webp"])
@pytest.mark.parametrize(
    ("block", "turned"),
    [
        (exif(orientation(6)), True),
        (exif(orientation(6), (X_RESOLUTION, SRATIONAL, 1, bytes(4))), True),
        (exif(orientation(6), (X_RESOLUTION, RATIONAL, 2, bytes(4))), True),
        (exif(orientation(6), (GPS_IFD, ASCII, 4, b"abcd")), True),
        (exif(orientation(6), (EXIF_IFD, LONG, 1, b"\xff\xff\xff\xf0")), True),
        (exif(orientation(9)), False),
        (exif(orientation(0)), False),
        (exif((ORIENTATION, ASCII, 4, b"six\0")), False),
        (exif(orientation(6), offset=2**31), False),
        (b"Exif\0\0", False),
        (b"Exif\0\0II*\0", False),
        (b"Exif\0\0" + bytes(range(256)), False),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_damaged_exif_leaves_the_pixels_readable(form: str, block: bytes, turned: bool):
    image = np.asarray(load(encoded(form, block)).convert("L")).astype(int)
    wanted = plain(form)
    assert np.array_equal(image, np.rot90(wanted, -1) if turned else wanted)


@pytest.mark.filterwarnings("ignore")
def test_exif_that_stops_pillow_before_any_pixel_is_passed_over():
    resolution = exif(orientation(6), (X_RESOLUTION, ASCII, 1, b"7\0\0\0"), (0x0128, SHORT, 1, b"\0\2\0\0"))
    data = encoded("jpeg", resolution).replace(b"\xff\xe0\x00\x10JFIF", b"\xff\xe0\x00\x10none")
    assert load(data).size in {(24, 16), (16, 24)}


@pytest.mark.parametrize("form", ["tiff", "avif"])
def test_an_orientation_in_other_formats_is_applied_once(form: str):
    if form == "avif" and "AVIF" not in Image.SAVE:
        pytest.skip("this Pillow has no AVIF")
    block = Image.Exif()
    block[ORIENTATION] = 6
    assert load(encoded(form, block.tobytes())).size == (16, 24)


@pytest.mark.parametrize("value", range(1, 9))
def test_every_orientation_is_brought_upright_as_pillow_does(value: int):
    block = Image.Exif()
    block[ORIENTATION] = value
    data = encoded("png", block.tobytes())
    assert np.array_equal(
        np.asarray(load(data)), np.asarray(ImageOps.exif_transpose(Image.open(BytesIO(data))))
    )


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_adobe_deflate"])
@pytest.mark.parametrize("tags", [{}, {EXIF_IFD: 2**31 - 1}], ids=["no EXIF", "EXIF beyond the file"])
@pytest.mark.filterwarnings("ignore")
def test_a_tiff_is_turned_whatever_its_compression_and_its_exif(compression: str, tags: dict[int, int]):
    assert turned_once(load(tiff({ORIENTATION: 6, **tags}, compression)))


def test_a_tiff_is_turned_whose_exif_pillow_raises_on():
    tags = ImageFileDirectory_v2()
    tags.tagtype[EXIF_IFD] = SIGNED_LONG
    tags[ORIENTATION], tags[EXIF_IFD] = 6, -5
    data = tiff(tags)
    with pytest.raises(ValueError, match="negative seek"):
        Image.open(BytesIO(data)).load()
    assert turned_once(load(data))


def tiff(tags: Any, compression: str = "raw") -> bytes:
    file = BytesIO()
    Image.fromarray(PIXELS).save(file, "tiff", compression=compression, tiffinfo=tags)
    return file.getvalue()


def turned_once(image: Image.Image) -> bool:
    return np.array_equal(np.asarray(image), np.rot90(PIXELS, -1))


@given(st.binary(max_size=60), st.sampled_from(["jpeg", "png", "webp"]), st.booleans())
def test_no_block_whatever_makes_pixels_unreadable(block: bytes, form: str, header: bool):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image = load(encoded(form, b"Exif\0\0" + (b"MM\0*\0\0\0\x08" if header else b"") + block))
    assert sorted(image.size) == [16, 24]
