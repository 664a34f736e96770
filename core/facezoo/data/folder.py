"""A folder of identity folders: one folder per person, of any name, with that person's images in it."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np

from facezoo.data.declared import declared_in_folder
from facezoo.data.faces import LeftOut, printable, require_listed
from facezoo.data.files import ImageFiles
from facezoo.data.walk import sort_key, walk
from facezoo.errors import FacezooError

HINT = "Give a folder that holds one folder of images for each identity."


def open_folder(rest: str) -> ImageFiles:
    """The data source `folder`: see `read_folder`."""
    return read_folder(_named(rest))


def open_below(rest: str) -> ImageFiles:
    """All images of the data source `folder`: see `find_images`."""
    return find_images(_named(rest))


def _named(rest: str) -> Path:
    if not rest:
        raise FacezooError("data source 'folder': no folder is named", "Say folder:PATH, or ./folder.")
    return Path(rest)


def read_folder(root: Path) -> ImageFiles:
    """The images in a folder of identity folders, both sorted by name (code points, after NFC normalisation).

    Which files these are `facezoo.data.walk` says; nested folders and identities without an image are not
    used either. All that is not stands in `left_out`, each with its reason. Nothing is decoded here. Raises
    FacezooError where the folder is absent, cannot be listed, or holds no identity with an image, and where
    its `facezoo.toml` cannot be read.
    """
    found = walk(root, deepest=1)
    require_listed(str(root), found.left_out, HINT)
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
    return ImageFiles(
        root,
        tuple(f"{name}/{image}" for name in identities for image in sorted(images[name], key=sort_key)),
        np.repeat(np.arange(len(identities), dtype=np.int64), [len(images[name]) for name in identities]),
        tuple(identities),
        left_out,
        declared_in_folder(root),
    )


def find_images(root: Path) -> ImageFiles:
    """All images below a folder, however deep and whoever they show, in the order of their paths.

    A folder that cannot be listed stands in `left_out`, as does all that is not used. FacezooError where
    there is no image, or a `facezoo.toml` that cannot be read.
    """
    found = walk(root)
    left_out = found.not_used()
    if not found.images:
        raise _nothing(root, left_out, "holds no image", "Give a folder with images in it.")
    return ImageFiles(root, found.images, left_out=left_out, declared=declared_in_folder(root))


def _nothing(root: Path, left_out: tuple[LeftOut, ...], what: str, hint: str) -> FacezooError:
    if left_out:
        found = f"it holds {len(left_out):,} other entries, such as {left_out[0]}"
    else:  # lists and notes beside the folders are not mentioned elsewhere
        found = "it holds no image and no folder" if any(root.iterdir()) else "it is empty"
    return FacezooError(f"{printable(str(root))}: {what}; {found}", hint)
