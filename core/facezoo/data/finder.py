"""The images that names in a list mean: among the files below a folder, or among paths with embeddings."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Sequence
from functools import cache
from itertools import islice
from pathlib import Path

from facezoo._words import did_you_mean
from facezoo.data.names import Index, composed, impossible, tidy
from facezoo.errors import FacezooError

LOOKED_INTO = 200  # folders that are searched for where a missing image might be instead


class Finder:
    """Finds the image that a name means, by the rule of `facezoo.data.names`.

    A name is a path from `root`: `..` leaves it, and an absolute name is taken as it is. Folders must be
    named exactly; each is listed once, when it is first asked for.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = cache(self._folder)
        self.folders = cache(self._folders)
        self.index = cache(self._index)

    def __call__(self, name: str) -> str | None:
        """The path of the image called `name`, from the root on, or None where there is none.

        Raises FacezooError where the name may mean several images.
        """
        parent, last = posixpath.split(tidy(name))
        folder = self.folder(parent)
        if folder is None or last in {"", ".", ".."}:
            return None
        # of several one may be that very name, in that very form of its accents
        return self.index(folder).one(name, composed(last), lambda path: posixpath.basename(path) == last)

    def near(self, name: str) -> str:
        """What is there instead of an image that is not, in words; "" where nothing is like it."""
        if reason := impossible(name):
            return reason
        path = tidy(name)
        parent, last = posixpath.split(path)
        folder = self.folder(parent)
        if folder is not None and (words := self.index(folder).near(composed(last))):
            return f"in {self._shown(folder)} {words}"
        if elsewhere := self._elsewhere(path):
            return f"{elsewhere!r} is there, in another folder"
        if folder is None:
            above = self.folder(posixpath.dirname(parent))
            known = [] if above is None else self.folders(above)
            return f"there is no folder {parent!r}{did_you_mean(posixpath.basename(parent), known)}"
        return ""

    def _shown(self, folder: str) -> str:
        return repr(folder) if folder else "that folder"

    def _elsewhere(self, path: str) -> str | None:
        """The same image with fewer folders in front of it, or below one of the root's folders."""
        parts = path.strip("/").split("/")
        fewer = ("/".join(parts[skipped:]) for skipped in range(1, len(parts)))
        deeper = (f"{folder}/{'/'.join(parts)}" for folder in islice(self.folders("").values(), LOOKED_INTO))
        for candidate in (*fewer, *deeper):
            try:
                if found := self(candidate):
                    return found
            except FacezooError:  # there are even several
                return candidate
        return None

    def _folder(self, path: str) -> str | None:
        """The folder that a path means, as it is written on the disk; None where there is none."""
        if os.path.isdir(self.root / path):  # noqa: PTH112  # Path.is_dir raises for names that are too long
            return path
        parent, last = posixpath.split(path)
        above = self.folder(parent) if last else None
        name = None if above is None else self.folders(above).get(composed(last))
        return None if above is None or name is None else posixpath.join(above, name)

    def _index(self, folder: str) -> Index:
        names = (entry.name for entry in self._entries(folder) if not _is_folder(entry))
        return Index((name, posixpath.join(folder, name)) for name in names)

    def _folders(self, folder: str) -> dict[str, str]:
        """The names of the folders in a folder, as they are compared and as they are."""
        return {composed(entry.name): entry.name for entry in self._entries(folder) if _is_folder(entry)}

    def _entries(self, folder: str) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(self.root / folder) as entries:
                return sorted(entries, key=lambda entry: entry.name)
        except OSError:
            return []


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def from_common_folder(root: Path, paths: Sequence[str]) -> tuple[Path, tuple[str, ...]]:
    """Root and paths of images that all lie outside `root`, from the folder on that holds their identities.

    What is declared of images stands there. Other images are left as they are.
    """
    above = {posixpath.dirname(posixpath.dirname(path)) for path in paths}
    outside = all(path.startswith(("../", "/")) for path in paths)
    if not outside or len({path.startswith("/") for path in above}) != 1:
        return root, tuple(paths)
    common = posixpath.commonpath(above)
    return root / common, tuple(posixpath.relpath(path, common) for path in paths)


class Lookup:
    """Image names to paths, by the rule of `facezoo.data.names`: equal ones, or from their last folders on.

    A file of embeddings and a list of pairs rarely name images from one folder on: `AJ_Cook/AJ_Cook_0001` of
    a list is `lfw/AJ_Cook/AJ_Cook_0001.jpg` elsewhere. No file is looked for, so that it does not matter
    where a name begins: `/` and `..` in front of it are passed over.
    """

    def __init__(self, paths: Sequence[str]) -> None:
        self.paths = paths
        self.by_tail = cache(self._by_tail)

    def __call__(self, name: str) -> str | None:
        """The path that a name means, or None; FacezooError where it may mean several."""
        asked = _parts(name)
        tails = self.by_tail(len(asked))
        return tails.one(name, "/".join(asked), lambda path: len(_parts(path)) == len(asked))

    def near(self, name: str) -> str:
        """What is there instead of a name that is not, in words; "" where nothing is like it."""
        asked = _parts(name)
        if words := self.by_tail(len(asked)).near("/".join(asked)):
            return words
        for skipped in range(1, len(asked)):
            if found := self.by_tail(len(asked) - skipped).find("/".join(asked[skipped:])):
                return f"{found[0]!r} is there, in another folder"
        return ""

    def _by_tail(self, length: int) -> Index:
        """Paths by their last `length` parts; a path with fewer is not there."""
        tails = ((_parts(path)[-length:], path) for path in self.paths)
        return Index(("/".join(tail), path) for tail, path in tails if len(tail) == length)


def _parts(name: str) -> list[str]:
    parts = composed(tidy(name)).split("/")
    while len(parts) > 1 and parts[0] in {"", ".."}:
        del parts[0]
    return parts
