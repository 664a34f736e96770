"""Sets to train on, their pixels at hand."""

from __future__ import annotations

from dataclasses import dataclass

from facezoo.data.decode import Fit
from facezoo.data.images import Images, without
from facezoo.data.opening import open_faces
from facezoo.data.preprocessing import Preprocessing
from facezoo.data.store import MemoryStore, Store, open_store
from facezoo.errors import FacezooError


@dataclass(frozen=True, eq=False)
class TrainingFaces:
    """A set to train on: its files and identities, their pixels, and how those came about.

    `alignment` says in words how the faces were cut out, `fit` what became of images that are not square.
    """

    faces: Images
    store: Store
    alignment: str
    fit: Fit = "resize"


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
