"""A folder of identity folders: one folder per person, of any name, with that person's images in it."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np

from facezoo.data.faces import FaceSet, ImageFiles, LeftOut, printable
from facezoo.data.walk import sort_key, walk
from facezoo.errors import FacezooError

HINT = "Give a folder that holds one folder of images for each identity."


def read_folder(root: Path) -> FaceSet:
    """The images in a folder of identity folders, both sorted by name (code points, after NFC normalisation).

    Which files these are `facezoo.data.walk` says; nested folders and identities without an image are not
    used either. All that is not stands in `left_out`, each with its reason. Nothing is decoded here. Raises
    FacezooError where the folder is absent, cannot be listed, or holds no identity with an image.
    """
    found = walk(root, deepest=1)
    found.require_listed(HINT)
    images: dict[str, list[str]] = defaultdict(list)
    for path in found.images:
        identity, _, name = path.rpartition("/")
        images[identity].append(name)
    beside = [
        LeftOut(name, "an image beside the identity folders, in none of them") for name in images.pop("", [])
    ]
    empty = [LeftOut(name, "no image in this folder") for name in found.folders if name not in images]
    left_out = (*beside, *found.not_used(), *empty)
    if not images:
        raise _nothing(root, left_out, "no identity folder with an image", HINT)
    identities = sorted(images, key=sort_key)
    return FaceSet(
        root,
        tuple(f"{name}/{image}" for name in identities for image in sorted(images[name], key=sort_key)),
        np.repeat(np.arange(len(identities), dtype=np.int64), [len(images[name]) for name in identities]),
        tuple(identities),
        left_out,
    )


def find_images(root: Path) -> tuple[ImageFiles, tuple[LeftOut, ...]]:
    """All images below a folder, however deep, in the order of their paths, and what is not used.

    FacezooError where there is no image, or a folder that cannot be listed.
    """
    hint = "Give a folder with images in it."
    found = walk(root)
    found.require_listed(hint)
    left_out = found.not_used()
    if not found.images:
        raise _nothing(root, left_out, "holds no image", hint)
    return ImageFiles(root, found.images), left_out


def _nothing(root: Path, left_out: tuple[LeftOut, ...], what: str, hint: str) -> FacezooError:
    if left_out:
        found = f"it holds {len(left_out):,} other entries, such as {left_out[0]}"
    else:  # lists and notes beside the folders are not mentioned elsewhere
        found = "it holds no image and no folder" if any(root.iterdir()) else "it is empty"
    return FacezooError(f"{printable(str(root))}: {what}; {found}", hint)
