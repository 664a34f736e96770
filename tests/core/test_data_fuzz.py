"""Searches for images and folders that make the decoder or the walk fail otherwise than with a reason."""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from facezoo import FacezooError
from facezoo.data import decode as decoding
from facezoo.data import read_folder
from facezoo.data.decode import UnreadableImageError, decode
from facezoo.data.folder import find_images
from facezoo.data.formats import is_image
from facezoo.data.walk import passed_over, walk

pytestmark = [pytest.mark.slow, pytest.mark.soak]

GREY = np.arange(64, dtype=np.uint8).reshape(8, 8) * 4
COLOUR = np.stack([GREY, GREY[::-1], GREY.T], 2)
SEEDS: list[tuple[str, np.ndarray, dict[str, object]]] = [
    ("jpeg", COLOUR, {}),
    ("jpeg", GREY, {"progressive": True}),
    ("png", COLOUR, {}),
    ("png", GREY.astype(np.uint16) * 257, {}),
    ("tiff", COLOUR, {}),
    ("tiff", COLOUR, {"compression": "tiff_lzw"}),
    ("tiff", GREY.astype(np.uint16) * 257, {"compression": "tiff_adobe_deflate"}),
    ("tiff", GREY.astype(np.int32), {"tiffinfo": {341: 1023}}),
    ("webp", COLOUR, {"lossless": True}),
    ("bmp", COLOUR, {}),
    ("gif", GREY, {}),
    ("ppm", COLOUR, {}),
    ("ppm", GREY.astype(np.uint16) * 257, {}),
    ("jpeg2000", COLOUR, {}),
    ("avif", COLOUR, {}),
    ("qoi", COLOUR, {}),
    ("sgi", COLOUR, {}),
    ("pcx", COLOUR, {}),
    ("tga", COLOUR, {"compression": "tga_rle"}),
]


def encoded(form: str, pixels: np.ndarray, options: dict[str, object]) -> bytes:
    file, exif = BytesIO(), Image.Exif()
    exif[0x0112] = 6
    if form in {"jpeg", "png", "webp", "avif", "tiff"}:
        options = options | {"exif": exif.tobytes()}
    Image.fromarray(pixels).save(file, form, **options)
    return file.getvalue()


@pytest.fixture(scope="module")
def seeds() -> list[bytes]:
    Image.init()
    found = [encoded(*seed) for seed in SEEDS if seed[0].upper() in Image.SAVE]
    sun = (
        b"\x59\xa6\x6a\x95"
        + b"".join(n.to_bytes(4, "big") for n in (8, 8, 8, 64, 1, 0, 0))
        + bytes(range(64))
    )
    return [*found, sun]


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bound on pixels is low, so that the search is quick."""
    monkeypatch.setattr(decoding, "MAX_PIXELS", 2**16)


def decodes_or_says_why(data: bytes) -> None:
    """Any other exception than that with the reason is a failure."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with suppress(UnreadableImageError):
            pixels = decode(data, 8, "crop")
            assert pixels.shape == (8, 8, 3)
            assert pixels.dtype == np.uint8


CHANGES = st.lists(
    st.tuples(st.floats(0, 1), st.sampled_from([0, 1, 2, 127, 128, 255]) | st.integers(0, 255)),
    min_size=1,
    max_size=8,
)


@given(st.data(), CHANGES, st.floats(0, 1), st.booleans())
def test_a_damaged_image_decodes_or_says_why(
    seeds: list[bytes], data: st.DataObject, changes: list[tuple[float, int]], end: float, cut: bool
):
    content = bytearray(data.draw(st.sampled_from(seeds)))
    reach = len(content) if data.draw(st.booleans()) else min(len(content), 64)  # half of them in the header
    for place, value in changes:
        content[min(int(place * reach), len(content) - 1)] = value
    decodes_or_says_why(bytes(content[: int(end * len(content))] if cut else content))


@given(st.data(), st.binary(max_size=200), st.integers(0, 40))
def test_a_beginning_with_anything_behind_it_decodes_or_says_why(
    seeds: list[bytes], data: st.DataObject, behind: bytes, kept: int
):
    decodes_or_says_why(data.draw(st.sampled_from(seeds))[:kept] + behind)


PARTS = st.sampled_from(
    ["a", "b", "p0", ".hidden", "._1.png", "__MACOSX", "1.png", "2.JPG", "n.txt", "x.heic", "ü.png"]
)
ENTRIES = st.lists(
    st.tuples(
        st.lists(PARTS, min_size=1, max_size=4),
        st.sampled_from(["file", "folder", "link", "pipe"]),
        st.lists(PARTS | st.just(".."), max_size=3),
    ),
    max_size=12,
)


def build(root: Path, entries: list[tuple[list[str], str, list[str]]]) -> None:
    for parts, kind, target in entries:
        place = root.joinpath(*parts)
        make: dict[str, Callable[[], object]] = {
            "file": place.touch,
            "folder": lambda place=place: place.mkdir(exist_ok=True),
            "link": lambda place=place, target=target: place.symlink_to(Path(*target) if target else "."),
            "pipe": lambda place=place: os.mkfifo(place),
        }
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            if not place.is_symlink():
                make[kind]()
        except OSError:  # a part of the way is a file, a loop, or there already
            continue


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes there")
@given(ENTRIES)
def test_any_folder_is_walked_and_every_file_accounted_for(entries: list[tuple[list[str], str, list[str]]]):
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "1", "2", "3", "root")  # links lead up to three levels higher
        root.mkdir(parents=True)
        build(root, entries)
        found = walk(root)
        assert walk(root) == found
        assert all(is_image(path) and (root / path).is_file() for path in found.images)
        assert len({os.path.realpath(root / path) for path in found.folders}) == len(found.folders)
        said = {item.path for item in found.left_out}
        for path, folders, files in os.walk(root):
            folders[:] = [name for name in folders if not passed_over(name)]
            for name in files:
                whole = (Path(path) / name).relative_to(root).as_posix()
                assert (whole in found.images) != (whole in said)
        for read in (read_folder, find_images):
            with suppress(FacezooError):
                read(root)
