"""Verification protocols by name: where their pairs are listed, and where their images may lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from facezoo._protocols import PAIRS_PROTOCOLS
from facezoo.data.cfp import IMAGES, Kind, is_cfp, read_cfp
from facezoo.data.decode import Fit
from facezoo.data.faces import printable
from facezoo.data.lists import read_list
from facezoo.data.opening import own_pairs
from facezoo.data.pairs import NamedPair, NamedPairs, OwnPairs, say_form
from facezoo.errors import FacezooError
from facezoo.registry.sources import split_name

_CFP: Final[dict[str, Kind]] = {"cfp-ff": "FF", "cfp-fp": "FP"}


@dataclass(frozen=True)
class ListedPairs:
    """The pairs of a protocol as its files name them, and folders that the names may be relative to.

    `fit` is what always becomes of its images, where the protocol says so. `own` are pairs that a source of
    images brings, with their images.
    """

    name: str
    pairs: Sequence[NamedPair]
    roots: tuple[Path, ...]
    fit: Fit | None = None
    own: OwnPairs | None = None


def read_protocol(path: Path | str, protocol: str | None = None) -> ListedPairs:
    """The pairs at `path`, a file or a folder, as `protocol` says: "lfw", "cfp-ff", "cfp-fp" or "csv".

    The name of a source of images means the pairs that it brings, which are of no other protocol.

    Without a protocol it is told from what is there: a list in one of the forms of `read_pairs` ("csv" is
    every one but LFW's), a folder with CFP's layout (which holds two protocols, so that it must be said
    which), or a folder with `pairs.txt` or `pairs.csv`. Raises FacezooError where that leaves a choice, or
    the files are not in their format.
    """
    if protocol is not None and protocol not in PAIRS_PROTOCOLS:
        raise FacezooError(f"protocol {protocol!r} is unknown", f"Say one of {', '.join(PAIRS_PROTOCOLS)}.")
    if protocol is None and isinstance(path, str) and split_name(path):
        if own := read_own(path):
            return own
        raise FacezooError(f"{printable(path)}: brings no pairs", "Name a file or folder of pairs.")
    path = Path(path)
    if protocol in _CFP:
        return _cfp(path, protocol)
    if path.is_dir() and protocol is None and is_cfp(path):
        message = f"{printable(str(path))}: CFP holds two protocols"
        raise FacezooError(
            message, "Say --protocol cfp-ff or cfp-fp; in a run's settings, evaluate.protocol."
        )
    file = _list_in(path, protocol) if path.is_dir() else path
    read = read_list(file)
    if protocol not in {None, read.form.protocol}:
        message = f"{printable(str(file))}: not what protocol {protocol!r} reads"
        raise FacezooError(message, f"It is a list of protocol {read.form.protocol!r}.")
    say_form(file, read)
    name = f"{file.parent.name}/{file.name}" if path.is_dir() else file.name
    return ListedPairs(name, read.pairs, (file.parent, file.parent / "images"))


def read_own(source: str) -> ListedPairs | None:
    """The pairs that a source brings, by its name or a path that it claims; None where it brings none."""
    own = own_pairs(source)
    if own is None:
        return None
    pairs = own.pairs
    named = NamedPairs(own.images.names, pairs.left, pairs.right, pairs.same, pairs.fold)
    return ListedPairs(own.name, named, (), own=own)


def _cfp(path: Path, protocol: str) -> ListedPairs:
    pairs = read_cfp(path, _CFP[protocol])
    return ListedPairs(protocol.upper(), pairs, (path / IMAGES, path, path / "images"))


def _list_in(folder: Path, protocol: str | None) -> Path:
    names = {"lfw": ("pairs.txt",), "csv": ("pairs.csv",), None: ("pairs.txt", "pairs.csv")}[protocol]
    found = [folder / name for name in names if (folder / name).is_file()]
    if len(found) == 1:
        return found[0]
    many = "holds both" if found else "holds no"
    message = f"{printable(str(folder))}: {many} {' and '.join(names)}"
    raise FacezooError(message, "Name the file, or say which (--protocol, evaluate.protocol).")
