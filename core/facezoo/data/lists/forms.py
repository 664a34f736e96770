"""In which of the known forms a list is written, told by its first lines."""

from __future__ import annotations

import csv
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from facezoo._words import shown
from facezoo.data.faces import printable
from facezoo.data.lists.lfw import Lines, is_header, is_impostor
from facezoo.data.lists.lines import HINT, broken
from facezoo.data.lists.table import Layout
from facezoo.data.lists.two_lines import is_half
from facezoo.data.lists.words import Role, is_truth, roles
from facezoo.errors import FacezooError

TRUTH: Final = "1 (one identity) or 0 (two)"
DELIMITERS: Final = (",", ";", "\t", "|", " ")
_ROLES: Final[dict[Role, int]] = {"a": 0, "b": 1, "same": 2}


@dataclass(frozen=True)
class Form:
    """What a list is. `note` says in one line how it is read, where that was guessed."""

    kind: Literal["lfw", "headless lfw", "two lines", "table"]
    layout: Layout | None = None
    note: str = ""

    @property
    def protocol(self) -> str:
        """The protocol that asks for lists of this form."""
        return "lfw" if "lfw" in self.kind else "csv"


def form_of(path: Path, lines: Lines) -> Form:
    """The form of a list by its first lines that hold something; FacezooError where it is not known."""
    first = lines[0][1]
    if is_header(first):
        return Form("lfw")
    if first.lower().startswith("sep=") and first[4:5] in DELIMITERS and len(lines) > 1:
        return _table(path, lines[1:], (first[4],))  # Excel's own line
    if any(is_impostor(line) for _, line in lines):
        return Form("headless lfw", note="taken for LFW's pairs, without the line that says how many")
    if is_half(first) and len(lines) > 1 and is_half(lines[1][1]):
        return Form("two lines", note="taken for CALFW's form, two lines per pair, 0 for impostors")
    return _table(path, lines, DELIMITERS)


def _table(path: Path, lines: Lines, delimiters: Sequence[str]) -> Form:
    number, first = lines[0]
    for delimiter in delimiters:
        header = _cells(first, delimiter)
        if found := roles(header):
            layout = Layout(delimiter, len(header), found, header, number + 1)
            return Form("table", layout, _note(layout))
    for delimiter in delimiters:
        cells = _cells(first, delimiter)
        if len(cells) == 3 and is_truth(cells[2]) and not cells[1].isdecimal():
            layout = Layout(delimiter, 3, _ROLES, (), number)
            return Form("table", layout, f"taken for two image paths and {TRUTH}, without a header")
    raise _unknown(path, number, first)


def _cells(line: str, delimiter: str) -> list[str]:
    if delimiter == " ":
        return line.split()
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter, skipinitialspace=True))]
    except (csv.Error, StopIteration):
        return []


def _note(layout: Layout) -> str:
    used = {layout.columns[role] for role in layout.columns}
    unused = [name for column, name in enumerate(layout.header) if column not in used]
    notes = []
    if [layout.name(role).lower() for role in _ROLES] != list(_ROLES):
        a, b, same = (layout.name(role) for role in _ROLES)
        notes.append(f"the columns {a!r} and {b!r} are taken for the images, {same!r} for {TRUTH}")
    if unused:
        notes.append(f"not used: {', '.join(map(shown, unused[:5]))}{', ...' if len(unused) > 5 else ''}")
    return "; ".join(notes)


def _unknown(path: Path, number: int, first: str) -> FacezooError:
    delimiter = next((mark for mark in DELIMITERS if mark in first), ",")
    cells, file = _cells(first, delimiter), shlex.quote(printable(path.name))
    if len(cells) == 3 and is_truth(cells[0]):
        command = f"awk -F'{_escaped(delimiter)}' '{{print $2\"\\t\"$3\"\\t\"$1}}' {file} > pairs.txt"
        return broken(path, number, f"{shown(first)} has the label in front", f"Put it last: {command}")
    found = f"the header is {shown(first.strip())}, which names no columns a, b and same"
    if len(cells) != 3 or any("/" in cell or "." in cell for cell in cells):
        return broken(path, number, found, HINT)
    command = f"sed -i '1s/.*/{_escaped(delimiter).join(('a', 'b', 'same'))}/' {file}"
    return broken(path, number, found, f"{HINT} If its columns are these, name them so: {command}")


def _escaped(delimiter: str) -> str:
    return "\\t" if delimiter == "\t" else delimiter
