"""Verification pairs, and the files that list them.

Two kinds of file are read: LFW's text lists (View 1 and View 2), and CSV with the columns `a,b,same`.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from facezoo.data.faces import printable
from facezoo.errors import FacezooError

TRUTH = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of images, each genuine (`same`: one identity) or impostor.

    `left` and `right` are int64 [P], image numbers; `same` is bool [P]; `fold` is int64 [P] from 0, or None
    where the protocol brings no folds of its own.
    """

    left: npt.NDArray[np.int64]
    right: npt.NDArray[np.int64]
    same: npt.NDArray[np.bool_]
    fold: npt.NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.same)


@dataclass(frozen=True)
class NamedPair:
    """One line of a pairs file: two image names, as the file gives them, and what they are."""

    a: str
    b: str
    same: bool
    fold: int | None = None


def read_pairs(path: Path) -> list[NamedPair]:
    """The pairs in a file: CSV where the name ends in .csv, else LFW's text format.

    Raises FacezooError, naming file and line, where the file cannot be read or is not in its format.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")  # spreadsheets write a byte-order mark
    except UnicodeDecodeError as problem:
        message = f"{printable(str(path))}: not UTF-8 text (byte {problem.start:,})"
        raise FacezooError(
            message, "Give an LFW pairs.txt or a CSV file with the columns a,b,same."
        ) from problem
    except OSError as problem:
        message = f"{printable(str(path))}: cannot be read ({problem.strerror})"
        raise FacezooError(
            message, "Give the path of a pairs file (LFW's pairs.txt, or CSV a,b,same)."
        ) from problem
    lines = text.splitlines()
    pairs = _csv_pairs(path, lines) if path.suffix.lower() == ".csv" else _lfw_pairs(path, lines)
    if not pairs:
        raise FacezooError(f"{printable(str(path))}: lists no pairs", "Give a file with at least one pair.")
    return pairs


def _csv_pairs(path: Path, lines: Sequence[str]) -> list[NamedPair]:
    rows = csv.reader(lines)
    header = [name.strip().lower() for name in next(rows, [])]
    if header != ["a", "b", "same"]:
        raise _broken(path, 1, f"the header is {','.join(header)!r}", "The first line must be a,b,same.")
    pairs = []
    for row in rows:
        if not row:
            continue
        if len(row) != len(header) or row[2].strip().lower() not in TRUTH:
            hint = "Each line holds two image paths and 1 (one identity) or 0 (two)."
            raise _broken(path, rows.line_num, ",".join(row), hint)
        pairs.append(NamedPair(row[0].strip(), row[1].strip(), TRUTH[row[2].strip().lower()]))
    return pairs


def _lfw_pairs(path: Path, lines: Sequence[str]) -> list[NamedPair]:
    folds, each = _lfw_header(path, lines)
    numbered = [
        (number, _fields(line)) for number, line in enumerate(lines, 1) if number > 1 and line.strip()
    ]
    if len(numbered) != folds * 2 * each:
        found = f"{len(numbered):,} pairs, but the header promises {folds} x {2 * each:,}"
        raise _broken(path, 1, found, "The file is cut short or not an LFW list.")
    pairs = []
    for position, (number, fields) in enumerate(numbered):
        pair = _lfw_pair(path, number, fields, position // (2 * each) if folds > 1 else None)
        if pair.same != (position % (2 * each) < each):
            raise _broken(
                path, number, "\t".join(fields), f"A fold is {each} genuine, then {each} impostor pairs."
            )
        pairs.append(pair)
    return pairs


def _lfw_header(path: Path, lines: Sequence[str]) -> tuple[int, int]:
    """Folds and genuine pairs a fold: `10 300` in View 2, one number and no folds in View 1."""
    numbers = lines[0].split() if lines else []
    if len(numbers) not in {1, 2} or not all(number.isdecimal() for number in numbers):
        hint = "LFW's lists begin with the number of pairs (`10 300` or `1100`); name a CSV file *.csv."
        raise _broken(path, 1, printable(lines[0][:60]) if lines else "an empty file", hint)
    return (int(numbers[0]), int(numbers[1])) if len(numbers) == 2 else (1, int(numbers[0]))


def _fields(line: str) -> list[str]:
    # tabs where the file has them: names may then hold spaces
    return [field.strip() for field in line.split("\t")] if "\t" in line else line.split()


def _lfw_pair(path: Path, number: int, fields: Sequence[str], fold: int | None) -> NamedPair:
    try:
        if len(fields) == 3:
            name, first, second = fields
            return NamedPair(_lfw_name(name, first), _lfw_name(name, second), same=True, fold=fold)
        name, first, other, second = fields
        return NamedPair(_lfw_name(name, first), _lfw_name(other, second), same=False, fold=fold)
    except ValueError:
        hint = "A line is `identity n1 n2` or `identity1 n1 identity2 n2`."
        raise _broken(path, number, "\t".join(fields), hint) from None


def _lfw_name(identity: str, number: str) -> str:
    return f"{identity}/{identity}_{int(number):04d}"


def _broken(path: Path, line: int, found: str, hint: str) -> FacezooError:
    return FacezooError(f"{printable(str(path))}, line {line}: {found}", hint)


def number_pairs(
    named: Iterable[NamedPair], find: Callable[[str], str | None]
) -> tuple[tuple[str, ...], Pairs, list[str]]:
    """Image paths, the pairs as numbers into them, and the names for which `find` gave no path.

    Paths are numbered in the order in which they first occur. Where names are missing, the pairs are not
    usable.
    """
    named = list(named)
    found = {name: find(name) for name in dict.fromkeys(name for pair in named for name in (pair.a, pair.b))}
    numbers: dict[str, int] = {}
    for path in found.values():
        if path is not None:
            numbers.setdefault(path, len(numbers))

    def column(names: Iterable[str]) -> npt.NDArray[np.int64]:
        return np.array([numbers.get(found[name] or "", -1) for name in names], np.int64)

    folds = [pair.fold for pair in named if pair.fold is not None]
    pairs = Pairs(
        column(pair.a for pair in named),
        column(pair.b for pair in named),
        np.array([pair.same for pair in named], np.bool_),
        np.array(folds, np.int64) if len(folds) == len(named) else None,
    )
    return tuple(numbers), pairs, [name for name, path in found.items() if path is None]
