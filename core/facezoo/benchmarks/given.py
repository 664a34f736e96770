"""What a benchmark is opened with: where its list and its images are, and what is asked of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from facezoo._words import printable, shown
from facezoo.benchmarks.benchmark import Imaged
from facezoo.data.declared import declared_in_folder
from facezoo.data.files import ImageFiles
from facezoo.data.finder import Finder, Lookup, from_common_folder
from facezoo.data.opening import open_faces
from facezoo.data.preprocessing import Preprocessing
from facezoo.errors import FacezooError
from facezoo.evaluation.bootstrap import REPLICATES
from facezoo.evaluation.enrolment import Failed
from facezoo.evaluation.files import EmbeddingSet

if TYPE_CHECKING:
    from facezoo.runs.network import Network


@dataclass(frozen=True)
class Options:
    """What is asked of any benchmark; those to which an option means nothing do not look at it.

    `fars` None are the usual false accept rates, as far as they are supported; given ones must be. `folds`
    is for protocols that bring none. With `replicates` 0 intervals come from closed formulas, or are left
    out. `failed` is what images that failed to enrol count as; None: they are refused. `distances` says that
    the scores in a file are distances.
    """

    fars: tuple[float, ...] | None = None
    folds: int = 10
    replicates: int = REPLICATES
    seed: int = 0
    failed: Failed | None = None
    distances: bool = False


class Found(NamedTuple):
    """Images that names mean: `numbers` int64 [names] are indices into `images`, -1 for the `missing`."""

    images: Imaged
    numbers: npt.NDArray[np.int64]
    missing: tuple[str, ...]


class Labelled(NamedTuple):
    """Images with identities: `labels` int64 [images] are indices into `identities`."""

    images: Imaged
    labels: npt.NDArray[np.int64]
    identities: tuple[str, ...]
    left_out: int
    """How many files and folders of the source are not used."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Given:
    """Where to look, and what is asked.

    `path` is what was said behind the benchmark's name or is claimed by it, `data` the set of `--data`,
    `folder` where names in a list start from. `contract` is what the backbone expects of images. Where
    `embeddings` are given, images are those that have some; where `network` is, it is what makes them, and
    what has trained class vectors. `training` is where its training images are now.
    """

    path: str | None = None
    data: str | None = None
    folder: Path | None = None
    contract: Preprocessing | None = None
    embeddings: EmbeddingSet | None = None
    network: Network | None = None
    training: str | None = None
    options: Options = field(default_factory=Options)

    def at(self, path: str | None) -> Given:
        """The same with another path."""
        return replace(self, path=path)

    def file(self, benchmark: str) -> Path:
        """The path of its list; FacezooError where none was said, or images without a list were."""
        if self.data is not None:
            message = f"--data: benchmark {benchmark} has a list of its images"
            raise FacezooError(message, "Leave it out; --images DIR says where their names start.")
        if self.path is None:
            raise FacezooError(f"benchmark {benchmark}: which list?", f"Say --benchmark {benchmark}=PATH.")
        return Path(self.path)

    def name_of(self, images: Imaged) -> str:
        """What a set of images is called: as it was said, or as the file of embeddings is."""
        said = self.path or self.data
        return images.name if isinstance(images, EmbeddingSet) else printable(said or images.place)

    def trained(self, benchmark: str) -> Network:
        """The network; FacezooError where there is none."""
        if self.network is None:
            message = f"benchmark {benchmark}: embeddings alone have no classes"
            raise FacezooError(message, "Give a RUN, or a classifier's --scores FILE.")
        return self.network

    def find(self, name: str, names: Sequence[str], folders: Sequence[Path]) -> Found:
        """The images that the names in list `name` mean, in the order in which they first occur.

        Among image files, names start from the given folder or else from that of `folders` where most are
        there; FacezooError where one is missing. Among embeddings any may be missing, but not all.
        """
        if self.embeddings is not None:
            return _among_embeddings(self.embeddings, name, names)
        return _among_files([self.folder] if self.folder else folders, name, names, self.contract)

    def faces(self, benchmark: str) -> Labelled:
        """The images of `path` or `data` with their identities, or all embeddings, whose images' folders are
        their identities. FacezooError where there are none.
        """
        if self.embeddings is not None:
            return _by_folder(self.embeddings)
        source = self.path or self.data
        if source is None:
            message = f"benchmark {benchmark}: which images?"
            raise FacezooError(message, "Say --data DIR (identity folders).")
        found = open_faces(source)
        if self.contract is not None:
            found.declared.check(self.contract.as_dict(), "the backbone")
        return Labelled(found, found.labels, tuple(found.identities), len(found.left_out))


def _among_embeddings(embeddings: EmbeddingSet, name: str, names: Sequence[str]) -> Found:
    lookup = Lookup(embeddings.paths)
    paths = [lookup(asked) for asked in names]
    missing = tuple(asked for asked, path in zip(names, paths, strict=True) if path is None)
    if len(missing) == len(names):
        near = lookup.near(missing[0])
        message = f"{embeddings.name} has none of the images of {name}, such as {missing[0]!r}"
        raise FacezooError(
            message + (f"; {near}" if near else ""), f"Its paths are like {printable(embeddings.paths[0])!r}."
        )
    used, numbers = _numbered(paths)
    return Found(embeddings.chosen(used), numbers, missing)


def _among_files(
    folders: Sequence[Path], name: str, names: Sequence[str], contract: Preprocessing | None
) -> Found:
    attempts = [(finder, list(map(finder, names))) for finder in map(Finder, folders)]
    finder, paths = min(attempts, key=lambda attempt: attempt[1].count(None))
    missing = [asked for asked, path in zip(names, paths, strict=True) if path is None]
    if missing:
        raise _not_there(name, missing, finder, folders)
    used, numbers = _numbered(paths)
    root, used = from_common_folder(finder.root, used)
    if contract is not None:
        declared_in_folder(root).check(contract.as_dict(), "the backbone")
    return Found(ImageFiles(root, used), numbers, ())


def _numbered(paths: Sequence[str | None]) -> tuple[tuple[str, ...], npt.NDArray[np.int64]]:
    """The distinct paths in the order in which they first occur, and the number of each, -1 for None."""
    numbers: dict[str, int] = {}
    of = [-1 if path is None else numbers.setdefault(path, len(numbers)) for path in paths]
    return tuple(numbers), np.array(of, np.int64)


def _by_folder(embeddings: EmbeddingSet) -> Labelled:
    folders = [path.rpartition("/")[0] for path in embeddings.paths]
    identities, labels = np.unique(np.array(folders, dtype=object), return_inverse=True)
    if len(identities) < 2:
        message = f"{embeddings.name}: its images do not lie in folders of identities"
        raise FacezooError(message, f"Its paths are like {printable(embeddings.paths[0])!r}.")
    return Labelled(embeddings, labels.astype(np.int64), tuple(identities.tolist()), 0)


def _not_there(name: str, missing: Sequence[str], finder: Finder, folders: Sequence[Path]) -> FacezooError:
    looked = " and ".join(printable(str(folder)) for folder in folders)
    message = f"{name}: {len(missing):,} of its images are not there, such as {shown(missing[0])}"
    near = finder.near(missing[0])
    return FacezooError(
        f"{message} (looked in {looked}){f'; {near}' if near else ''}",
        "Name their folder (--images FOLDER; in a run's settings, evaluate.images), or mend the list.",
    )
