"""Lists with one pair per line in columns: CSV in its dialects, and `path path label`."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from facezoo._words import shown
from facezoo.data.lists.lines import broken
from facezoo.data.lists.words import FALSE, MINUS, TRUE, ZERO, Role
from facezoo.data.named import NameCodes, NamedPairs
from facezoo.errors import FacezooError

LIMIT: Final = 131_072
"""Characters in a cell, as the csv module has it."""
HINT: Final = "Each line holds two image paths and 1 (one identity) or 0 (two)."
_SPACES: Final = f"{HINT} Names that hold spaces need tabs or commas between the columns."
Block = tuple[int, str]


@dataclass(frozen=True)
class Layout:
    """How a table is written: what parts its columns, where they stand, what they are called.

    `first` is the number of the first line that holds a pair.
    """

    delimiter: str
    width: int
    columns: Mapping[Role, int]
    header: Sequence[str]
    first: int

    def name(self, role: Role) -> str:
        """A column as the list calls it."""
        return self.header[self.columns[role]] if self.header else role


class _OddError(Exception):
    """What the quick path leaves to the general one, which reads it or says what is wrong with it."""


class _Truths(dict[str, bool]):
    def __missing__(self, cell: str) -> bool:
        word = cell.strip().lower()
        if word not in TRUE | FALSE:
            raise _OddError(f"{shown(cell)} says neither one identity nor two")
        said = {known.strip().lower() for known in self} | {word}
        if said & ZERO and said & MINUS:
            raise _OddError(f"{shown(cell)}, in a list that has both 0 and -1 for it")
        self[cell] = word in TRUE
        return self[cell]


class _Folds(dict[str, int]):
    def __missing__(self, cell: str) -> int:
        try:
            number = float(cell.strip())
            if not (number.is_integer() and 0 <= number < 2**31):
                raise ValueError
        except ValueError:
            raise _OddError(f"{shown(cell)} is no number of a fold") from None
        self[cell] = int(number)
        return self[cell]


class _Names(NameCodes):
    """Numbers of names as they stand in the cells; white space around a name does not count."""

    stripped: NameCodes | None = None  # made when the first cell has white space around it

    def __missing__(self, cell: str) -> int:
        name = cell.strip()
        if not name:
            raise _OddError("no image is named")
        if self.stripped is None and name != cell:
            self.stripped = NameCodes(self)
        self[cell] = number = len(self) if self.stripped is None else self.stripped[name]
        return number

    def names(self) -> tuple[str, ...]:
        """The names in the order of their numbers."""
        return tuple(self if self.stripped is None else self.stripped)


@dataclass
class _Columns:
    """What was read so far; every list holds one array per block."""

    names: _Names = field(default_factory=_Names)
    truths: _Truths = field(default_factory=_Truths)
    folds: _Folds = field(default_factory=_Folds)
    ends: list[npt.NDArray[np.int32]] = field(default_factory=list)
    same: list[npt.NDArray[np.bool_]] = field(default_factory=list)
    fold: list[npt.NDArray[np.int64]] = field(default_factory=list)

    def add(self, cells: Sequence[str], layout: Layout) -> None:
        """Take in the cells of whole lines, one after the other; `_OddError` where one cannot be read."""
        at, width = layout.columns, layout.width
        truths, count = cells[at["same"] :: width], len(cells) // width
        same = np.fromiter(map(self.truths.__getitem__, truths), np.bool_, count)
        fold = None
        if "fold" in at:
            fold = np.fromiter(map(self.folds.__getitem__, cells[at["fold"] :: width]), np.int64, count)
        ends = [""] * (2 * count)
        ends[0::2], ends[1::2] = cells[at["a"] :: width], cells[at["b"] :: width]
        self.ends.append(self.names.of(ends))
        self.same.append(same)
        if fold is not None:
            self.fold.append(fold)

    def whole(self) -> NamedPairs:
        """Everything, each column in one piece."""
        ends = np.concatenate(self.ends or [np.zeros((0, 2), np.int32)])
        same = np.concatenate(self.same or [np.zeros(0, np.bool_)])
        fold = np.unique(np.concatenate(self.fold), return_inverse=True)[1] if self.fold else None
        left, right = (ends[:, side].astype(np.int64) for side in (0, 1))
        return NamedPairs(self.names.names(), left, right, same, fold)


def read_table(path: Path, blocks: Iterable[Block], layout: Layout) -> NamedPairs:
    """The pairs of a table; FacezooError, with line, column and value, where a cell is none of its kind."""
    columns = _Columns()
    for line, text in _from_line(blocks, layout.first):
        try:
            columns.add(_quick(text, layout), layout)
        except _OddError:
            _general(path, line, text, layout, columns)
    return columns.whole()


def _from_line(blocks: Iterable[Block], first: int) -> Iterator[Block]:
    for line, text in blocks:
        if line < first:
            parts = text.split("\n", first - line)
            if len(parts) > first - line and parts[-1]:
                yield first, parts[-1]
        else:
            yield line, text


def _quick(text: str, layout: Layout) -> list[str]:
    """The cells of lines that all have the same plain form, without a quote; `_OddError` if one has not."""
    text = text.rstrip("\n") + "\n"
    if '"' in text:
        raise _OddError
    raw = np.frombuffer(text.encode("utf-8"), np.uint8)
    marks = np.flatnonzero((raw == ord(layout.delimiter)) | (raw == ord("\n")))
    if len(marks) % layout.width or np.diff(marks, prepend=-1).max() > LIMIT:
        raise _OddError
    ends = (raw[marks] == ord("\n")).reshape(-1, layout.width)
    if ends[:, :-1].any() or not ends[:, -1].all():
        raise _OddError
    cells = text.replace("\n", layout.delimiter).split(layout.delimiter)
    cells.pop()  # what follows the last line
    return cells


def _general(path: Path, line: int, text: str, layout: Layout, columns: _Columns) -> None:
    numbers: list[int] = []
    cells: list[str] = []
    fault: FacezooError | None = None
    try:
        for number, row in rows(path, line, text, layout.delimiter):
            _check_width(path, number, row, layout)
            numbers.append(number)
            cells += row
    except FacezooError as problem:  # told after what is wrong in the lines before
        fault = problem
    try:
        columns.add(cells, layout)
    except _OddError:
        raise _first_wrong(path, numbers, cells, layout, columns) from None
    if fault is not None:
        raise fault


def _check_width(path: Path, number: int, row: Sequence[str], layout: Layout) -> None:
    if len(row) != layout.width:
        found = f"{len(row):,} columns, where {layout.width} are expected: {shown(' | '.join(row))}"
        raise broken(path, number, found, _SPACES if layout.delimiter == " " else HINT)


def _first_wrong(
    path: Path, numbers: Sequence[int], cells: Sequence[str], layout: Layout, columns: _Columns
) -> FacezooError:
    kinds: dict[Role, Callable[[str], object]] = {
        "a": columns.names.__getitem__,
        "b": columns.names.__getitem__,
        "same": columns.truths.__getitem__,
        "fold": columns.folds.__getitem__,
    }
    for place, number in enumerate(numbers):
        for role in (role for role in kinds if role in layout.columns):
            try:
                kinds[role](cells[place * layout.width + layout.columns[role]])
            except _OddError as odd:
                return broken(path, number, f"column {layout.name(role)!r}: {odd}", HINT)
    raise AssertionError("one of the cells is odd")  # pragma: no cover


def rows(path: Path, line: int, text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """The lines of a block that hold something, each with its number, parted into cells.

    Spaces part columns however many there are; every other delimiter does so one by one, as in CSV. A quoted
    cell ends on its line: no image's name holds a line end, and a stray quote must not swallow the file.
    """
    lines = text.removesuffix("\n").split("\n")
    if delimiter == " ":
        parted = ((number, content.split(" ")) for number, content in enumerate(lines, line))
        yield from ((number, list(filter(None, cells))) for number, cells in parted if any(cells))
        return
    reader = csv.reader(lines, delimiter=delimiter, strict=True, skipinitialspace=True)
    done = 0
    while True:
        try:
            row = next(reader, None)
        except csv.Error:
            raise _unreadable(path, line + done, lines[done]) from None
        if row is None:
            return
        done += 1
        if reader.line_num > done:
            raise _unreadable(path, line + done - 1, lines[done - 1])
        if any(map(str.strip, row)):
            yield line + done - 1, row


def _unreadable(path: Path, number: int, content: str) -> FacezooError:
    if len(content) > LIMIT:
        return broken(path, number, f"a cell of more than {LIMIT:,} characters", HINT)
    found = f"a quote that is not closed, or text behind a quoted cell: {shown(content)}"
    return broken(path, number, found, 'A name that holds a quote is written "with ""two"" of each".')
