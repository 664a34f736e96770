"""What is never opened, never decoded, or never handed to another program, however it is named."""

from __future__ import annotations

import os
import struct
import sys
import zlib
from io import BytesIO
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image, ImageFile

from facezoo.data import ImageFiles
from facezoo.data.decode import MAX_PIXELS, UnreadableImageError, decode, load
from facezoo.data.decoding import decoded, read
from facezoo.data.files import MAX_FILE_BYTES
from facezoo.data.formats import FORMATS, formats, image_suffixes, is_image, why_not


def encoded(image: Image.Image, form: str = "png", **options: object) -> bytes:
    file = BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes there")
def test_a_pipe_in_a_list_of_files_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    os.mkfifo(tmp_path / "a.png")
    (tmp_path / "b.png").symlink_to("/dev/zero")
    (tmp_path / "c.png").mkdir()
    monkeypatch.setattr(os, "open", lambda *_: pytest.fail("it was opened"))
    reasons = [
        str(x) for x in decoded(ImageFiles(tmp_path, ("a.png", "b.png", "c.png")), range(3), 8, "resize")
    ]
    assert reasons == [f"not a regular file but {what}" for what in ("a named pipe", "a device", "a folder")]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes there")
def test_a_pipe_that_takes_the_name_of_a_file_is_not_waited_for(tmp_path: Path, monkeypatch):
    regular, pipe = tmp_path / "regular", tmp_path / "a.png"
    regular.touch()
    os.mkfifo(pipe)
    plain = Path.stat
    monkeypatch.setattr(
        Path, "stat", lambda path, **options: plain(regular if path == pipe else path, **options)
    )
    with pytest.raises(UnreadableImageError, match="a named pipe"):
        read(ImageFiles(tmp_path, ("a.png",)), 0)


def test_a_file_of_60_gigabytes_is_not_read(tmp_path: Path):
    with (tmp_path / "a.png").open("wb") as file:
        file.truncate(60 * 2**30)  # sparse: it takes no room
    with pytest.raises(UnreadableImageError, match=r"64,424,509,440 bytes; at most 268,435,456 are read"):
        read(ImageFiles(tmp_path, ("a.png",)), 0)
    assert MAX_FILE_BYTES == 268_435_456


@pytest.mark.parametrize("name", ["x" * 300 + ".png", "nul\0.png", "gone.png", "\udc80\ud800.png"])
def test_names_that_cannot_be_are_reasons(tmp_path: Path, name: str):
    (reason,) = decoded(ImageFiles(tmp_path, (name,)), [0], 8, "resize")
    assert isinstance(reason, UnreadableImageError)
    assert str(reason).startswith("cannot be read (")


def header_of_png(width: int, height: int) -> bytes:
    chunk = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    start = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk
    return start + struct.pack(">I", zlib.crc32(chunk)) + b"\0\0\0\x01IDAT"


@pytest.mark.parametrize(("width", "height"), [(8_193, 8_192), (2**31 - 1, 2**31 - 1), (1, 2**27)])
def test_too_many_pixels_are_told_by_the_header_alone(width: int, height: int, monkeypatch):
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda _: pytest.fail("it was decoded"))
    with pytest.raises(UnreadableImageError, match=r"pixels, by its header; at most 67,108,864 are decoded"):
        load(header_of_png(width, height))
    assert MAX_PIXELS == 67_108_864


def test_tiles_larger_than_their_image_count_too():
    tags = {256: 8, 257: 8, 258: 8, 259: 8, 262: 1, 277: 1, 322: 65_520, 323: 65_520, 324: 8, 325: 8}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    data = b"II*\0" + struct.pack("<IQH", 16, 0, len(tags)) + entries + bytes(4)
    with pytest.raises(UnreadableImageError, match=r"tiles of 65,520 x 65,520 pixels"):
        load(data)


@pytest.mark.slow
def test_an_image_of_the_largest_size_is_within_the_bound():
    data = encoded(Image.new("1", (8_192, 8_192)), "tiff", compression="group4")
    assert decode(data, 8).shape == (8, 8, 3)


def test_postscript_under_an_image_s_name_starts_nothing(monkeypatch: pytest.MonkeyPatch):
    from PIL import EpsImagePlugin

    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", lambda *_: pytest.fail("Ghostscript was started"))
    data = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\nshowpage\n%%EOF\n"
    with Image.open(BytesIO(data)) as image:
        assert image.format == "EPS"  # which Pillow would read
    with pytest.raises(UnreadableImageError, match="not an image in a format that facezoo reads"):
        load(data)


def test_formats_and_names_come_from_one_list():
    Image.init()
    assert set(formats()) == set(FORMATS) & set(Image.OPEN)
    endings = Image.registered_extensions()
    assert {endings[ending] for ending in image_suffixes()} <= set(formats())
    assert {".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".pgm", ".ppm", ".gif"} <= image_suffixes()
    assert not image_suffixes() & {".eps", ".ps", ".ico", ".pdf", ".psd", ".wmf", ".mpg", ".h5"}


@pytest.mark.parametrize(
    "form", ["jpeg", "png", "tiff", "bmp", "gif", "ppm", "webp", "jpeg2000", "tga", "pcx", "sgi"]
)
def test_each_format_is_read(form: str):
    if form.upper() not in formats():
        pytest.skip(f"this Pillow has no {form}")
    grey = np.linspace(0, 255, 64).round().astype(np.uint8).reshape(8, 8)
    options = {"quality": 100} if form in {"jpeg", "webp"} else {}
    read_again = decode(encoded(Image.fromarray(grey).convert("RGB"), form, **options), 8)
    assert np.abs(read_again.astype(int) - grey[..., None]).max() <= 8


@pytest.fixture
def fresh_formats():
    """Formats are looked up anew in a test, and after it."""
    caches = (formats, image_suffixes)
    opened, endings = dict(Image.OPEN), dict(Image.EXTENSION)
    for cached in caches:
        cached.cache_clear()
    yield
    for cached in caches:
        cached.cache_clear()
    for now, before in ((Image.OPEN, opened), (Image.EXTENSION, endings)):
        now.clear()
        now.update(before)


def test_heic_is_read_where_pillow_heif_is_installed(fresh_formats, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)  # as if it were not
    assert not is_image("a.HEIC")
    assert "install pillow-heif" in (why_not("a.HEIC") or "")
    formats.cache_clear()
    image_suffixes.cache_clear()
    package = ModuleType("pillow_heif")

    class Heif(ImageFile.ImageFile):
        format = "HEIF"

        def _open(self) -> None:
            self._mode, self._size = "L", (8, 8)
            self.tile = [ImageFile._Tile("raw", (0, 0, 8, 8), 12, ("L", 0, 1))]

    def register() -> None:
        Image.register_open("HEIF", Heif, lambda start: start[4:8] == b"ftyp")
        Image.register_extensions("HEIF", [".heic", ".heif"])

    package.register_heif_opener = register
    monkeypatch.setitem(sys.modules, "pillow_heif", package)
    assert is_image("a.HEIC")
    assert why_not("a.HEIC") is None
    assert decode(b"\0\0\0\x0cftypheic" + bytes(range(64)), 8)[0, 1, 0] == 1
