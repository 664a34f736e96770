"""A folder of identity folders: one folder a person, named as one likes, with that person's images in it."""

from __future__ import annotations

import os
import unicodedata
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from facezoo.data.faces import FaceSet, LeftOut, printable
from facezoo.errors import FacezooError


@cache
def image_suffixes() -> frozenset[str]:
    """Lower-case file name endings of the image formats that the installed Pillow reads."""
    Image.init()
    return frozenset(ending for ending, form in Image.registered_extensions().items() if form in Image.OPEN)


def is_image(name: str) -> bool:
    """Whether a file is an image by its name."""
    return Path(name).suffix.lower() in image_suffixes()


def sort_key(name: str) -> tuple[str, str]:
    """Orders names alike on file systems that store them composed (NFC) and decomposed (NFD)."""
    return unicodedata.normalize("NFC", name), name


def read_folder(root: Path) -> FaceSet:
    """The images in a folder of identity folders, both sorted by name (code points, after NFC normalisation).

    Files that are no images by their name, nested folders and identities without an image are not used; they
    stand in `left_out`, each with its reason. Nothing is decoded here. Raises FacezooError where the folder
    is absent, cannot be listed, or holds no identity with an image.
    """
    left_out: list[LeftOut] = []
    paths: list[str] = []
    labels: list[int] = []
    identities: list[str] = []
    for identity in _identity_folders(root, left_out):
        images = _images(root, identity, left_out)
        labels += [len(identities)] * len(images)
        paths += images
        if images:
            identities.append(identity)
        else:
            left_out.append(LeftOut(identity, "no image in this folder"))
    if not paths:
        _refuse(root, left_out)
    return FaceSet(root, tuple(paths), np.array(labels, np.int64), tuple(identities), tuple(left_out))


def _identity_folders(root: Path, left_out: list[LeftOut]) -> list[str]:
    folders = []
    for entry in _entries(root):
        if entry.is_dir():
            folders.append(entry.name)
        elif is_image(
            entry.name
        ):  # lists and notes beside the folders are as usual; an image there has no identity
            left_out.append(LeftOut(entry.name, "an image beside the identity folders, in none of them"))
    return folders


def _images(root: Path, identity: str, left_out: list[LeftOut]) -> list[str]:
    images = []
    for entry in _entries(root / identity):
        path = f"{identity}/{entry.name}"
        if entry.is_dir():
            left_out.append(LeftOut(path, "a folder inside an identity's folder"))
        elif not is_image(entry.name):
            left_out.append(LeftOut(path, "not an image by its name"))
        else:
            images.append(path)
    return images


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: sort_key(entry.name))
    except OSError as problem:
        message = f"{printable(str(folder))}: cannot be listed ({problem.strerror})"
        raise FacezooError(
            message, "Give a folder that holds one folder of images for each identity."
        ) from problem


def _refuse(root: Path, left_out: list[LeftOut]) -> None:
    found = f"it holds {len(left_out):,} other entries, such as {left_out[0]}" if left_out else "it is empty"
    hint = "Give a folder that holds one folder of images for each identity."
    raise FacezooError(f"{printable(str(root))}: no identity folder with an image; {found}", hint)
