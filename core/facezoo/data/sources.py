"""What the settings `data.path` and `evaluate.pairs` name, opened."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath

from facezoo.data import orl
from facezoo.data.declared import UNDECLARED, Declared, declared_in_folder
from facezoo.data.decode import Fit
from facezoo.data.faces import FaceSet, ImageFiles, printable
from facezoo.data.folder import is_image, read_folder
from facezoo.data.pairs import Pairs, number_pairs, read_pairs
from facezoo.data.preprocessing import Preprocessing
from facezoo.data.store import MemoryStore, Store, open_store
from facezoo.errors import FacezooError
from facezoo.settings.sections import EMBEDDED


@dataclass(frozen=True, eq=False)
class TrainingFaces:
    """A set to train on: its files and identities, their pixels, and how those came about.

    `alignment` says in words how the faces were cut out, `fit` what became of images that are not square.
    """

    faces: FaceSet
    store: Store
    alignment: str
    fit: Fit = "resize"


@dataclass(frozen=True, eq=False)
class SourceFaces:
    """The files of a set to train on, what is declared of them, and what may be done to fit them."""

    faces: FaceSet
    declared: Declared
    fit: Fit

    @property
    def alignment(self) -> str:
        """How the faces were cut out, in words."""
        return str(self.declared.values.get("alignment", UNDECLARED))


@dataclass(frozen=True, eq=False)
class TestPairs:
    """A verification set: what it is, its images' pixels, and the pairs of them."""

    __test__ = False  # not a test class, whatever pytest thinks of the name

    name: str
    store: Store
    pairs: Pairs


def find_faces(path: str, fit: Fit = "resize") -> SourceFaces:
    """The files of the training set that `path` names, nothing of them decoded.

    The ORL faces, 92 x 112 pixels, are always cropped to their central squares: that is this source's rule.
    Raises FacezooError where there are none, or where the folder's `facezoo.toml` cannot be read.
    """
    if path == EMBEDDED:
        return SourceFaces(orl.training_faces(), Declared(EMBEDDED, {"alignment": orl.ALIGNMENT}), "crop")
    folder = _existing(path)
    return SourceFaces(read_folder(folder), declared_in_folder(folder), fit)


def open_training(
    path: str, size: int, memory: int, *, fit: Fit = "resize", cache: str = "none"
) -> TrainingFaces:
    """The training set that `path` names ("orl", or a folder of identity folders), as `size` x `size` pixels.

    `memory`, `fit` and `cache` are as for `open_store`. Images that cannot be decoded are taken out and
    stand, with reasons, in `faces.left_out`; a set larger than `memory` bytes is decoded on the fly, and
    raises FacezooError at such an image. Raises FacezooError where fewer than two identities remain, where
    images are of another aspect ratio, and where the folder declares another contract.
    """
    source = find_faces(path, fit)
    contract = Preprocessing(size, source.alignment, fit=source.fit)
    source.declared.check(contract.as_dict(), "this run")
    faces = source.faces
    store = open_store(faces, size, memory, fit=source.fit, cache=cache)
    if isinstance(store, MemoryStore) and store.unreadable:
        faces = faces.without(store.unreadable)
        store = store.without_unreadable(faces)
    if len(faces.identities) < 2:
        reasons = "".join(f"; left out: {item}" for item in faces.left_out[:3])
        message = (
            f"{path}: {len(faces.identities)} identity with readable images; a loss tells at least two apart"
        )
        raise FacezooError(f"{message}{reasons}", "Give a folder that holds more identities.")
    return TrainingFaces(faces, store, source.alignment, source.fit)


def open_pairs(
    pairs: str,
    images: str,
    data_path: str,
    size: int,
    memory: int,
    *,
    contract: Preprocessing | None = None,
    cache: str = "none",
) -> TestPairs | None:
    """The verification set that the settings name, or None.

    `pairs` is "none", a pairs file, or "auto": the pairs that the training data at `data_path` brings (the
    held-out people of "orl"; a folder brings none). `images` is the folder that a file's image names are
    relative to; "auto" is the file's own folder, or else `images` in it. `contract` is what the backbone
    expects: images are fitted as it says, and a `facezoo.toml` in their folder must agree with it; without
    one, images must be square. `size`, `memory` and `cache` are as for `open_store`. Raises FacezooError
    where images are missing, unreadable or of another aspect ratio.
    """
    if pairs == "none" or (pairs == "auto" and data_path != EMBEDDED):
        return None
    if pairs in {"auto", EMBEDDED}:
        files, numbered = orl.held_out_pairs()
        store = open_store(files, size, memory, fit="crop", cache=cache)
        return _whole("AT&T/ORL s31-s40, all pairs", store, files, numbered)
    file = Path(pairs)
    named = read_pairs(file)
    roots = [file.parent, file.parent / "images"] if images == "auto" else [_existing(images)]
    attempts = [(root, *number_pairs(named, Finder(root))) for root in roots]
    root, paths, numbered, missing = min(attempts, key=lambda attempt: len(attempt[3]))
    if missing:
        looked = " and ".join(printable(str(root)) for root in roots)
        message = f"{printable(pairs)}: {len(missing):,} of its images are not there, such as {missing[0]!r}"
        raise FacezooError(
            f"{message} (looked in {looked})", "Name their folder: --set evaluate.images=FOLDER."
        )
    if contract is not None:
        declared_in_folder(root).check(contract.as_dict(), "the backbone")
    files = ImageFiles(root, paths)
    store = open_store(files, size, memory, fit=contract.fit if contract else "resize", cache=cache)
    return _whole(file.name, store, files, numbered)


def _whole(name: str, store: Store, files: ImageFiles, pairs: Pairs) -> TestPairs:
    for image, reason in store.unreadable.items():
        message = f"{name}: {len(store.unreadable):,} images cannot be decoded, such as "
        path = printable(str(files.root / files.paths[image]))
        raise FacezooError(f"{message}{path}: {reason}", "Every image of a pair is needed; mend the files.")
    return TestPairs(name, store, pairs)


def _existing(path: str) -> Path:
    folder = Path(path)
    if not folder.is_dir():
        found = "is a file" if folder.exists() else "does not exist"
        hint = "Give a folder of identity folders, or `orl` for the embedded AT&T/ORL faces."
        raise FacezooError(f"data folder {printable(path)}: {found}", hint)
    return folder


class Finder:
    """Finds the image that a name in a pairs file means: that file, or the one with an image's ending.

    Names are compared after NFC normalisation, as file systems differ in the form in which they store them.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = cache(self._folder)

    def __call__(self, name: str) -> str | None:
        """The path of the image called `name`, relative to the root, or None where there is none."""
        path = PurePosixPath(name.replace("\\", "/"))
        if path.is_absolute() or Path(name).is_absolute():
            return name if Path(name).is_file() else None
        parent = "" if path.parent == PurePosixPath() else self(str(path.parent))
        return None if parent is None else self.folder(parent).get(unicodedata.normalize("NFC", path.name))

    def _folder(self, parent: str) -> dict[str, str]:
        """What may be asked for in a folder, and the path that answers: whole file names, and their stems."""
        try:
            names = sorted(entry.name for entry in (self.root / parent).iterdir())
        except OSError:
            return {}
        stems = {Path(name).stem: name for name in reversed(names) if is_image(name)}
        answers = stems | {name: name for name in names}
        return {
            unicodedata.normalize("NFC", asked): f"{parent}/{name}" if parent else name
            for asked, name in answers.items()
        }
