"""Which files are images by their names, and which of Pillow's formats are read.

Not all that Pillow opens: a file that calls itself `.png` and holds EPS would start Ghostscript, an icon
holds another image of undeclared size, and some formats hand over to programs of others. What a file is its
first bytes tell; its name only says whether it is looked at.
"""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from importlib import import_module
from importlib.metadata import version
from pathlib import PurePath
from typing import Final

from PIL import Image

FORMATS: Final = (
    *("JPEG", "PNG", "WEBP", "TIFF", "BMP", "DIB", "GIF", "PPM"),
    *("JPEG2000", "AVIF", "HEIF", "QOI", "SUN", "SGI", "PCX", "TGA"),
)
"""Pillow's names of the formats that are read, in the order in which they are tried; TGA has no mark of its
own, so it comes last. HEIF is read where the package pillow-heif is installed."""

ADVICE: Final = "convert it to JPEG or PNG"
HEIC: Final = frozenset({".heic", ".heics", ".heif", ".heifs", ".hif"})
UNREAD: Final = frozenset(
    {".arw", ".cr2", ".cr3", ".dng", ".exr", ".jxl", ".nef", ".orf", ".raf", ".rw2", ".svg"}
)
"""Endings of images that neither Pillow nor facezoo reads, beside those that Pillow alone reads."""


@cache
def formats() -> tuple[str, ...]:
    """Those of `FORMATS` that the installed Pillow reads."""
    _register_heif()
    Image.init()
    return tuple(form for form in FORMATS if form in Image.OPEN)


@cache
def image_suffixes() -> frozenset[str]:
    """Lower-case file name endings of the images that are read."""
    read = formats()
    return frozenset(ending for ending, form in Image.registered_extensions().items() if form in read)


def is_image(name: str) -> bool:
    """Whether a file is an image by its name."""
    return PurePath(name).suffix.lower() in image_suffixes()


def why_not(name: str) -> str | None:
    """What to do about a file that is an image by its name, but of no format that is read; else None."""
    ending = PurePath(name).suffix.lower()
    if ending in image_suffixes():
        return None
    if ending in HEIC:
        return f"HEIC, which Pillow does not read: {ADVICE}, or install pillow-heif"
    if ending in UNREAD or Image.registered_extensions().get(ending) in Image.OPEN:
        return f"an image of a format that facezoo does not read ({ending}): {ADVICE}"
    return None


def heif_version() -> str:
    """`", pillow-heif 1.2.3"` where that package is installed."""
    with suppress(Exception):  # not installed, or its metadata is damaged
        return f", pillow-heif {version('pillow-heif')}"
    return ""


def _register_heif() -> None:
    with suppress(Exception):  # not installed, or broken: then HEIC is a format that is not read
        import_module("pillow_heif").register_heif_opener()
