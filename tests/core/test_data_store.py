"""Decoding: every kind of image to 8-bit RGB squares, in memory and on the fly."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facezoo import FacezooError
from facezoo.data import open_store, open_training, read_folder
from facezoo.data.decode import OtherAspectError, UnreadableImageError, decode
from facezoo.data.store import MemoryStore, StreamingStore
from support.faces import identity_folder


def encoded(image: Image.Image, form: str = "png", **options: object) -> bytes:
    file = BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def gradient(width: int = 8, height: int = 8) -> np.ndarray:
    return np.linspace(0, 255, width * height).reshape(height, width).round().astype(np.uint8)


def test_an_image_of_the_right_size_is_not_touched():
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    assert np.array_equal(decode(encoded(Image.fromarray(pixels)), 8), pixels)


@pytest.mark.parametrize("mode", ["L", "P", "CMYK", "RGBA", "LA", "1"])
def test_other_modes_become_rgb(mode: str):
    image = Image.fromarray(gradient()).convert("RGB").convert(mode)
    form = "tiff" if mode == "CMYK" else "png"
    assert np.array_equal(decode(encoded(image, form), 8), np.asarray(image.convert("RGB")))


def test_sixteen_bits_are_scaled_and_not_clipped():
    wide = Image.fromarray((gradient().astype(np.uint16)) * 257)
    assert np.array_equal(decode(encoded(wide), 8), np.repeat(gradient()[..., None], 3, 2))


@pytest.mark.parametrize(("width", "height"), [(12, 8), (8, 12)])
def test_the_central_square_is_taken_where_that_is_asked_for(width: int, height: int):
    pixels = gradient(width, height)
    left, top = (width - 8) // 2, (height - 8) // 2
    square = pixels[top : top + 8, left : left + 8]
    assert np.array_equal(decode(encoded(Image.fromarray(pixels)), 8, "crop")[..., 0], square)
    with pytest.raises(OtherAspectError, match=f"{width} x {height} pixels; the input is 8 x 8"):
        decode(encoded(Image.fromarray(pixels)), 8)


def test_images_of_the_same_aspect_are_resized():
    for width, height in ((16, 16), (5, 5), (33, 32), (32, 33)):  # a pixel more is rounding, not an aspect
        assert decode(encoded(Image.fromarray(gradient(width, height))), 8).shape == (8, 8, 3)
    with pytest.raises(OtherAspectError):
        decode(encoded(Image.fromarray(gradient(34, 32))), 8)


def test_scaling_down_averages_instead_of_skipping():
    board = np.indices((64, 64)).sum(0) % 2 * 255
    small = decode(encoded(Image.fromarray(board.astype(np.uint8))), 16)
    assert np.abs(small.astype(int) - 127.5).max() < 8


def test_the_orientation_that_a_camera_noted_is_applied():
    image = Image.fromarray(np.repeat(gradient()[..., None], 3, 2))
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    turned = decode(encoded(image, "png", exif=exif), 8)
    assert np.array_equal(turned, np.asarray(image)[::-1, ::-1])


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty file"),
        (b"this is text", "not an image in a format that facezoo reads"),
        (encoded(Image.fromarray(gradient(64, 64)), "jpeg")[:400], "truncated"),
        (encoded(Image.fromarray(np.zeros((8, 8), np.float32)), "tiff"), "floating-point"),
    ],
)
def test_what_cannot_be_decoded_says_why(data: bytes, reason: str):
    with pytest.raises(UnreadableImageError, match=reason):
        decode(data, 8)


def test_a_cmyk_jpeg_becomes_rgb():
    colours = Image.new("RGB", (8, 8), (200, 60, 30))
    result = decode(encoded(colours.convert("CMYK"), "jpeg", quality=100), 8)
    assert np.abs(result.astype(int) - [200, 60, 30]).max() < 8


def test_a_palette_with_transparency_becomes_rgb():
    image = Image.fromarray(gradient()).convert("P")
    assert decode(encoded(image, "png", transparency=0), 8).shape == (8, 8, 3)


@pytest.mark.parametrize("memory", [0, 2**30])
def test_another_aspect_ratio_is_an_error_that_shows_both_sides(tmp_path: Path, memory: int):
    root = identity_folder(tmp_path)
    Image.new("RGB", (92, 112)).save(root / "person 2" / "0.png")
    with pytest.raises(
        FacezooError, match=r"person 2/0\.png: .*92 x 112 pixels; the input is 32 x 32"
    ) as error:
        open_training(str(root), 32, memory).store.fetch(np.arange(24))
    assert "data.fit=crop" in error.value.hint
    store = open_training(str(root), 32, memory, fit="crop").store
    assert store.fetch(np.arange(24)).shape == (24, 32, 32, 3)


def test_one_image_an_identity_can_be_trained_on(tmp_path: Path):
    data = open_training(str(identity_folder(tmp_path, images=1)), 32, 2**30)
    assert data.faces.labels.tolist() == [0, 1, 2, 3]


def test_unicode_and_spaces_in_names(tmp_path: Path):
    root = identity_folder(tmp_path)
    (root / "person 0").rename(root / "Zoë 吉田 ö")
    (root / "Zoë 吉田 ö" / "0.png").rename(root / "Zoë 吉田 ö" / "ein Bild, größer.PNG")
    for cache in ("none", str(tmp_path.parent / "ein Ort")):
        data = open_training(str(root), 32, 2**30, cache=cache)
        assert "Zoë 吉田 ö/ein Bild, größer.PNG" in data.faces.names
        assert data.store.fetch(np.arange(24)).any()


def test_memory_and_streaming_give_the_same_pixels(tmp_path: Path):
    faces = read_folder(identity_folder(tmp_path, size=40))
    kept, streamed = open_store(faces, 32, 2**30), open_store(faces, 32, 0)
    assert isinstance(kept, MemoryStore)
    assert isinstance(streamed, StreamingStore)
    some = np.array([5, 0, 23, 5])
    assert np.array_equal(kept.fetch(some), streamed.fetch(some))
    kept.fetch(some)[:] = 0
    assert kept.fetch(some).any(), "a caller's changes must not reach the store"


def test_the_budget_is_in_bytes(tmp_path: Path):
    faces = read_folder(identity_folder(tmp_path))
    needed = len(faces) * 32 * 32 * 3
    assert isinstance(open_store(faces, 32, needed), MemoryStore)
    assert isinstance(open_store(faces, 32, needed - 1), StreamingStore)


def test_a_training_set_reports_what_it_cannot_read_and_goes_on(tmp_path: Path):
    root = identity_folder(tmp_path)
    whole = read_folder(root)
    (root / "person 1" / "2.png").write_bytes(b"")
    (root / "person 3" / "0.png").write_text("not a picture")
    data = open_training(str(root), 32, 2**30)
    assert [item.path for item in data.faces.left_out] == ["person 1/2.png", "person 3/0.png"]
    assert len(data.faces) == len(data.store) == len(whole) - 2
    for image, path in enumerate(data.faces.names):
        pixels = np.asarray(Image.open(root / path))
        assert np.array_equal(data.store.fetch(np.array([image]))[0], pixels)


def test_a_streamed_set_stops_at_what_it_cannot_read(tmp_path: Path):
    root = identity_folder(tmp_path)
    (root / "person 1" / "2.png").write_bytes(b"")
    store = open_training(str(root), 32, 0).store
    with pytest.raises(FacezooError, match=r"person 1/2\.png: empty file"):
        store.fetch(np.arange(len(store)))


@pytest.mark.parametrize("memory", [0, 2**30])
def test_what_cannot_be_decoded_can_be_left_out(tmp_path: Path, memory: int):
    root = identity_folder(tmp_path)
    (root / "person 1" / "2.png").write_bytes(b"")
    faces = read_folder(root)
    store, all_images = open_store(faces, 32, memory), np.arange(24)[::-1]
    kept, pixels, unreadable = store.fetch_readable(all_images)
    assert unreadable == {8: "empty file"}
    assert kept.tolist() == [image for image in all_images if image != 8]
    assert np.array_equal(pixels, store.fetch(kept))
    kept, pixels, _ = store.fetch_readable(np.array([8]))
    assert (len(kept), pixels.shape) == (0, (0, 32, 32, 3))


def test_a_file_that_the_system_does_not_give_out_is_not_left_out(tmp_path: Path):
    root = identity_folder(tmp_path)
    store = open_store(read_folder(root), 32, 0)
    (root / "person 1" / "2.png").unlink()
    with pytest.raises(FacezooError, match=r"person 1/2\.png: cannot be read \(No such file") as error:
        store.fetch_readable(np.arange(24))
    assert "--resume" in error.value.hint


@pytest.mark.parametrize("gone", [True, False])
def test_one_identity_is_not_enough(tmp_path: Path, gone: bool):
    root = identity_folder(tmp_path, identities=2, images=1)
    (root / "person 1" / "0.png").write_bytes(b"")
    if gone:
        (root / "person 1" / "0.png").unlink()
    with pytest.raises(FacezooError, match="1 identity with readable images") as error:
        open_training(str(root), 32, 2**30)
    assert "person 1" in error.value.message


@pytest.mark.parametrize(("path", "found"), [("nowhere", "does not exist"), ("file", "is a file")])
def test_a_data_path_that_is_no_folder_is_an_error(tmp_path: Path, path: str, found: str):
    (tmp_path / "file").touch()
    with pytest.raises(FacezooError, match=found):
        open_training(str(tmp_path / path), 32, 2**30)
