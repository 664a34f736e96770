"""More than 8 bits: scaled by what the file declares, or refused; never nearly black without a word."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from facezoo.data.decode import UnreadableImageError, decode

EIGHT = np.linspace(0, 255, 64).round().astype(np.uint8).reshape(8, 8)
TWELVE = np.round(EIGHT * (4095 / 255)).astype(np.uint16)
MAX_SAMPLE_VALUE, S_MAX_SAMPLE_VALUE = 281, 341


def encoded(image: Image.Image, form: str = "png", **options: object) -> bytes:
    file = BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def tiff(pixels: np.ndarray, **tags: int) -> bytes:
    tag = {"max_sample": MAX_SAMPLE_VALUE, "s_max_sample": S_MAX_SAMPLE_VALUE}
    return encoded(
        Image.fromarray(pixels), "tiff", tiffinfo={tag[name]: value for name, value in tags.items()}
    )


def png(pixels: np.ndarray, significant: bytes) -> bytes:
    """With a chunk sBIT, which Pillow does not write, after the header."""
    data = encoded(Image.fromarray(pixels))
    chunk = b"sBIT" + significant
    whole = struct.pack(">I", len(significant)) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return data[:33] + whole + data[33:]


def png_with_alpha(grey: np.ndarray, alpha: int) -> bytes:
    """16 bits of grey and of alpha, which Pillow reads and does not write."""
    height, width = grey.shape
    values = np.stack([grey, np.full_like(grey, alpha)], -1).astype(">u2")
    rows = b"".join(b"\0" + row.tobytes() for row in values)
    header = struct.pack(">IIBBBBB", width, height, 16, 4, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    parts = [
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def packed_tiff(values: np.ndarray) -> bytes:
    """12 bits per value, two in three bytes, as BitsPerSample says."""
    high, low = values.reshape(-1, 2).T.astype(np.uint32)
    strip = b"".join(struct.pack(">I", (int(a) << 12) | int(b))[1:] for a, b in zip(high, low, strict=True))
    height, width = values.shape
    tags = [(256, width), (257, height), (258, 12), (259, 1), (262, 1), (273, 8), (277, 1), (278, height)]
    tags.append((279, len(strip)))
    entries = b"".join(struct.pack("<HHII", tag, 4 if tag != 258 else 3, 1, value) for tag, value in tags)
    return (
        b"II*\0"
        + struct.pack("<I", 8 + len(strip))
        + strip
        + struct.pack("<H", len(tags))
        + entries
        + bytes(4)
    )


def pgm(values: np.ndarray, maxval: int, kind: str = "P5") -> bytes:
    header = f"{kind} {values.shape[1]} {values.shape[0]} {maxval}\n".encode()
    return header + (
        values.astype(">u2").tobytes() if kind == "P5" else " ".join(map(str, values.flat)).encode()
    )


@pytest.mark.parametrize(
    "data",
    [
        encoded(Image.fromarray(EIGHT.astype(np.uint16) * 257)),
        tiff(EIGHT.astype(np.uint16) * 257),
        tiff(EIGHT.astype(np.uint16) * 257, max_sample=4095),  # a declaration that the pixels belie
        tiff(EIGHT.astype(np.uint16) * 257, max_sample=51_234),  # what occurs, not what may
        tiff(TWELVE, max_sample=4095),
        tiff(TWELVE, s_max_sample=4095),
        tiff(TWELVE.astype(np.int32), s_max_sample=4095),
        packed_tiff(TWELVE),
        png(TWELVE, b"\x0c"),
        png(TWELVE << 4 | TWELVE >> 8, b"\x0c"),  # as PNG wants it: the bits at the top
        png(EIGHT.astype(np.uint16) * 257, b"\x10"),
        pgm(TWELVE, 4095),
        pgm(TWELVE, 4095, "P2"),
        pgm(EIGHT.astype(np.uint16) * 257, 65_535),
        encoded(Image.fromarray(EIGHT.astype(np.uint16) * 257), "jpeg2000"),
    ],
)
def test_values_are_scaled_by_the_declared_range(data: bytes):
    scaled = decode(data, 8)[..., 0].astype(int)
    assert np.abs(scaled - EIGHT).max() <= 1
    assert (scaled.min(), scaled.max()) == (0, 255)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (encoded(Image.fromarray(TWELVE)), "16-bit pixels up to 4,095 of 65,535"),
        (tiff(TWELVE), "16-bit pixels up to 4,095"),
        (tiff(TWELVE // 4), "16-bit pixels up to 1,023"),
        (pgm(TWELVE, 65_535), "16-bit pixels up to 4,095"),
        (pgm(TWELVE, 65_535, "P2"), "16-bit pixels up to 4,095"),
        (encoded(Image.fromarray(TWELVE), "jpeg2000"), "16-bit pixels up to 4,095"),
        (tiff(TWELVE.astype(np.int32)), "integers from 0 to 4,095; the file declares no range"),
        (tiff(EIGHT.astype(np.int32)), "integers from 0 to 255"),
        (tiff(TWELVE.astype(np.int32) - 5, s_max_sample=4095), "integers from -5"),
        (tiff(TWELVE.astype(np.int32), s_max_sample=1023), "integers from 0 to 4,095"),
        (tiff(EIGHT.astype(np.float32)), "floating-point"),
    ],
)
def test_values_of_an_undeclared_range_are_refused(data: bytes, reason: str):
    with pytest.raises(UnreadableImageError, match=reason):
        decode(data, 8)


def colour_png(values: np.ndarray, channels: int, significant: bytes = b"") -> bytes:
    """16 bits a channel, which Pillow does not write."""
    rows = np.repeat(values[..., None], channels, 2).astype(">u2")
    if channels in {2, 4}:
        rows[..., -1] = 65_535
    raw = b"".join(b"\0" + row.tobytes() for row in rows)
    kind = {2: 4, 3: 2, 4: 6}[channels]
    head = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], 16, kind, 0, 0, 0)
    parts = [(b"IHDR", head), (b"sBIT", significant), (b"IDAT", zlib.compress(raw)), (b"IEND", b"")]
    chunks = [name + content for name, content in parts if content or name == b"IEND"]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) for chunk in chunks
    )


@pytest.mark.parametrize("channels", [2, 3, 4])
def test_colours_of_16_bits_are_looked_at_too(channels: int):
    bright = decode(colour_png(EIGHT.astype(np.uint16) * 257, channels), 8)
    assert np.array_equal(bright[..., 0], EIGHT)
    with pytest.raises(UnreadableImageError, match="16-bit pixels up to 15 of 255"):
        decode(colour_png(TWELVE, channels), 8)
    dark = decode(colour_png(TWELVE, channels, b"\x10" * channels), 8)  # it declares that all bits count
    assert dark.max() == 15


def test_colours_of_a_ppm_are_looked_at_too():
    values = TWELVE.astype(">u2").repeat(3).tobytes()
    assert np.abs(decode(b"P6 8 8 4095\n" + values, 8)[..., 0].astype(int) - EIGHT).max() <= 1
    with pytest.raises(UnreadableImageError, match="16-bit pixels up to 16 of 255"):
        decode(b"P6 8 8 65535\n" + values, 8)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_black_is_black(dtype: type):
    assert not decode(encoded(Image.fromarray(np.zeros((8, 8), dtype))), 8).any()


def test_dark_images_of_8_bits_are_as_they_were():
    dark = Image.fromarray(np.full((8, 8, 3), 3, np.uint8))
    for form in ("png", "tiff", "jpeg2000", "bmp", "ppm"):
        assert decode(encoded(dark, form), 8).max() == 3


def test_grey_with_alpha_is_judged_by_its_grey_alone():
    whole = png_with_alpha(EIGHT.astype(np.uint16) * 257, 65_535)
    assert np.abs(decode(whole, 8)[..., 0].astype(int) - EIGHT).max() <= 1
    with pytest.raises(UnreadableImageError, match="they show nothing"):
        decode(png_with_alpha(TWELVE, 65_535), 8)
