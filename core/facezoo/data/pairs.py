"""Verification pairs: as a list names them, and as numbers of images."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

from facezoo.data.faces import printable
from facezoo.data.images import Images
from facezoo.data.listing import Pairs
from facezoo.data.lists import PairList, read_list
from facezoo.data.named import NamedPair, NamedPairs

__all__ = ["NamedPair", "NamedPairs", "OwnPairs", "Pairs", "read_pairs"]


@dataclass(frozen=True, eq=False)
class OwnPairs:
    """Pairs that a source of images brings, as numbers of images that it gives; `name` is what they are
    called in results.
    """

    name: str
    images: Images
    pairs: Pairs


def read_pairs(path: Path) -> NamedPairs:
    """The pairs in a file: LFW's lists, CALFW's and CPLFW's, CSV in its dialects, `path path label`.

    A form that had to be guessed is said in a warning. Raises FacezooError, naming file and line, where the
    file cannot be read or is in no known form.
    """
    read = read_list(path)
    say_form(path, read)
    return read.pairs


def say_form(path: Path, read: PairList) -> None:
    """Warn of a form that had to be guessed."""
    if read.form.note:
        warnings.warn(f"{printable(path.name)}: {read.form.note}", stacklevel=3)
