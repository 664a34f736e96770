"""Sets to train on and to verify with, their pixels at hand."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from facezoo._words import shown
from facezoo.data.declared import declared_in_folder
from facezoo.data.decode import Fit
from facezoo.data.faces import printable
from facezoo.data.files import ImageFiles
from facezoo.data.finder import Finder, from_common_folder
from facezoo.data.images import Images, without
from facezoo.data.listing import check_list
from facezoo.data.opening import open_faces
from facezoo.data.pairs import Pairs, number_pairs
from facezoo.data.preprocessing import Preprocessing
from facezoo.data.protocols import ListedPairs, read_own, read_protocol
from facezoo.data.store import MemoryStore, Store, open_store
from facezoo.errors import FacezooError
from facezoo.settings.paths import whence


@dataclass(frozen=True, eq=False)
class TrainingFaces:
    """A set to train on: its files and identities, their pixels, and how those came about.

    `alignment` says in words how the faces were cut out, `fit` what became of images that are not square.
    """

    faces: Images
    store: Store
    alignment: str
    fit: Fit = "resize"


@dataclass(frozen=True, eq=False)
class TestPairs:
    """A verification set: what it is, its images' pixels, and the pairs of them."""

    __test__ = False  # not a test class, whatever pytest thinks of the name

    name: str
    store: Store
    pairs: Pairs


def find_training(path: str, size: int, fit: Fit = "resize") -> tuple[Images, Preprocessing]:
    """The images that `path` names (a source, or a path that one claims), to train on at `size` x `size`
    pixels, and the contract under which that is; nothing is decoded. A source's own fit goes before `fit`.

    Raises FacezooError where the source declares another contract, and for fewer than two identities.
    """
    faces = open_faces(path)
    contract = Preprocessing(size, faces.declared.alignment, fit=faces.fit or fit)
    faces.declared.check(contract.as_dict(), "this run")
    _require_two(path, faces)
    return faces, contract


def open_training(
    path: str, size: int, memory: int, *, fit: Fit = "resize", cache: str = "none"
) -> TrainingFaces:
    """The training set that `path` names, as `find_training` finds it, and its pixels.

    `memory` and `cache` are as for `open_store`. Images that cannot be decoded are taken out and stand, with
    reasons, in `faces.left_out`; a set larger than `memory` bytes is decoded on the fly, and raises
    FacezooError at such an image. Raises FacezooError where fewer than two identities remain, and where
    images are of another aspect ratio.
    """
    faces, contract = find_training(path, size, fit)
    store = open_store(faces, size, memory, fit=contract.fit, cache=cache)
    if isinstance(store, MemoryStore) and store.unreadable:
        faces = without(faces, store.unreadable)
        store = store.without_unreadable(faces)
        _require_two(path, faces)
    return TrainingFaces(faces, store, contract.alignment, contract.fit)


def _require_two(path: str, faces: Images) -> None:
    if len(faces.identities) < 2:
        reasons = "".join(f"; left out: {item}" for item in faces.left_out[:3])
        message = (
            f"{path}: {len(faces.identities)} identity with readable images; a loss tells at least two apart"
        )
        raise FacezooError(f"{message}{reasons}", "Give a folder that holds more identities.")


def open_pairs(
    pairs: str,
    images: str,
    data_path: str,
    size: int,
    memory: int,
    *,
    protocol: str = "auto",
    contract: Preprocessing | None = None,
    cache: str = "none",
) -> TestPairs | None:
    """The verification set that the settings name, or None.

    `pairs` is "none", a file or folder as for `read_protocol`, a source's name, or "auto": the pairs that the
    training data at `data_path` brings (a folder brings none). `protocol` is one of `read_protocol`'s, or
    "auto", and `images` the folder that image names are relative to, or "auto". The rest, and what is raised,
    is as for `open_listed`.
    """
    if pairs == "none":
        return None
    if pairs == "auto":
        own = read_own(data_path)
        return open_listed(own, None, size, memory, contract=contract, cache=cache) if own else None
    listed = read_protocol(pairs, None if protocol == "auto" else protocol)
    hint = "evaluate.images: say the folder that the names in the pairs start from."
    folder = None if images == "auto" else _existing(images, "images", hint)
    return open_listed(listed, folder, size, memory, contract=contract, cache=cache)


def open_listed(
    listed: ListedPairs,
    images: Path | None,
    size: int,
    memory: int,
    *,
    contract: Preprocessing | None = None,
    cache: str = "none",
) -> TestPairs:
    """Listed pairs with their images, whose names start from `images`, or from one of the protocol's folders.

    `contract` is what the backbone expects: images are fitted as it says, and a `facezoo.toml` in their
    folder must agree with it; without one, images must be square. `size`, `memory` and `cache` are as for
    `open_store`. Raises FacezooError where images are missing, unreadable or of another aspect ratio (figures
    over what is left would be figures of another set), and as `check_list` does.
    """
    files, numbered = (listed.own.images, listed.own.pairs) if listed.own else _found(listed, images)
    check_list(listed.name, files.names, numbered)
    if contract is not None:
        files.declared.check(contract.as_dict(), "the backbone")
    fit = files.fit or listed.fit or (contract.fit if contract else "resize")
    return _whole(listed.name, open_store(files, size, memory, fit=fit, cache=cache), numbered)


def _found(listed: ListedPairs, images: Path | None) -> tuple[Images, Pairs]:
    """The images that a list names, and its pairs as numbers of them."""
    roots = [images] if images else list(listed.roots)
    attempts = [(finder, *number_pairs(listed.pairs, finder)) for finder in map(Finder, roots)]
    finder, paths, numbered, missing = min(attempts, key=lambda attempt: len(attempt[3]))
    if missing:
        raise _not_there(listed, missing, finder, roots)
    root, paths = from_common_folder(finder.root, paths)
    return ImageFiles(root, paths, declared=declared_in_folder(root)), numbered


def _not_there(
    listed: ListedPairs, missing: Sequence[str], finder: Finder, roots: Sequence[Path]
) -> FacezooError:
    looked = " and ".join(printable(str(root)) for root in roots)
    message = f"{listed.name}: {len(missing):,} of its images are not there, such as {shown(missing[0])}"
    near = finder.near(missing[0])
    return FacezooError(
        f"{message} (looked in {looked}){f'; {near}' if near else ''}",
        "Name their folder (--images FOLDER; in a run's settings, evaluate.images), or mend the list.",
    )


def _whole(name: str, store: Store, pairs: Pairs) -> TestPairs:
    for image, reason in store.unreadable.items():
        message = f"{name}: {len(store.unreadable):,} images cannot be decoded, such as "
        where = store.images.printable(image)
        raise FacezooError(f"{message}{where}: {reason}", "Every image of a pair is needed; mend the files.")
    return TestPairs(name, store, pairs)


def _existing(path: str, what: str, hint: str) -> Path:
    folder = Path(path)
    if not os.path.isdir(folder):  # noqa: PTH112  # Path.is_dir raises for names that are too long
        found = "is a file" if os.path.exists(folder) else "does not exist"  # noqa: PTH110
        raise FacezooError(f"{what} folder {printable(path)}: {found}{whence(path)}", hint)
    return folder
