"""Reading lists of pairs, in the forms that people have them in. No image is looked for here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

from facezoo.data.faces import printable
from facezoo.data.lists.forms import Form, form_of
from facezoo.data.lists.lfw import Lines, read_headless_lfw, read_lfw
from facezoo.data.lists.lines import HINT, blocks, broken
from facezoo.data.lists.table import Block, read_table
from facezoo.data.lists.two_lines import read_two_lines
from facezoo.data.named import NamedPairs
from facezoo.errors import FacezooError

SAMPLE = 1000  # lines that are looked at to tell a list's form


@dataclass(frozen=True)
class PairList:
    """The pairs of a file, and the form in which it was written."""

    pairs: NamedPairs
    form: Form


def read_list(path: Path) -> PairList:
    """The pairs in a file, whatever its name, in whichever of the known forms it is.

    Raises FacezooError, naming file and line, where the file cannot be read or is in none of them.
    """
    pieces = blocks(path)
    head, form = _begun(path, pieces)
    pairs = _pairs(path, form, chain([head], pieces))
    if not len(pairs):
        raise FacezooError(f"{printable(str(path))}: lists no pairs", "Give a file with at least one pair.")
    return PairList(pairs, form)


def form_of_list(path: Path) -> Form:
    """The form of the list in a file, by its first lines; FacezooError as of `read_list`."""
    return _begun(path, blocks(path))[1]


def _begun(path: Path, pieces: Iterator[Block]) -> tuple[Block, Form]:
    head = next(pieces, None)
    lines = list(islice(_filled(head), SAMPLE)) if head else []
    if head is None or not lines:
        raise broken(path, 1, "an empty file", HINT)
    return head, form_of(path, lines)


def _pairs(path: Path, form: Form, pieces: Iterable[Block]) -> NamedPairs:
    if form.layout is not None:
        return read_table(path, pieces, form.layout)
    lines: Lines = [line for piece in pieces for line in _filled(piece)]
    reader = {"lfw": read_lfw, "headless lfw": read_headless_lfw, "two lines": read_two_lines}[form.kind]
    return NamedPairs.of(reader(path, lines))


def _filled(piece: Block) -> Iterator[tuple[int, str]]:
    first, text = piece
    return ((number, line) for number, line in enumerate(text.split("\n"), first) if line.strip())
