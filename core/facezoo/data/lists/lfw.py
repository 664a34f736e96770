"""LFW's own lists: `identity n1 n2` for a genuine pair, `identity1 n1 identity2 n2` for an impostor pair."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from facezoo._words import shown
from facezoo.data.lists.lines import broken
from facezoo.data.named import NamedPair
from facezoo.errors import FacezooError

Lines = Sequence[tuple[int, str]]


def read_lfw(path: Path, lines: Lines) -> list[NamedPair]:
    """View 2 (`10 300`: folds, and genuine pairs per fold) or View 1 (`1100`, no folds).

    `lines` are those that hold something, with their numbers. Raises FacezooError where a line is of another
    kind, or there are more or fewer than the header promises.
    """
    folds, each = _header(path, lines[0])
    if len(lines) - 1 != folds * 2 * each:
        found = f"{len(lines) - 1:,} pairs, but the header promises {folds:,} x {2 * each:,}"
        raise broken(path, 1, found, "The file is cut short or not an LFW list.")
    pairs = []
    for position, (number, line) in enumerate(lines[1:]):
        pair = _pair(path, number, line, position // (2 * each) if folds > 1 else None)
        if pair.same != (position % (2 * each) < each):
            raise broken(path, number, shown(line), f"A fold is {each} genuine, then {each} impostor pairs.")
        pairs.append(pair)
    return pairs


def read_headless_lfw(path: Path, lines: Lines) -> list[NamedPair]:
    """LFW's pairs without the line that says how many; they have no folds."""
    return [_pair(path, number, line, None) for number, line in lines]


def is_header(line: str) -> bool:
    """Whether a line is one or two numbers."""
    numbers = line.split()
    return len(numbers) in {1, 2} and all(number.isdecimal() for number in numbers)


def is_impostor(line: str) -> bool:
    """Whether a line is of the form `identity1 n1 identity2 n2`."""
    fields = _fields(line)
    return len(fields) == 4 and fields[1].isdecimal() and fields[3].isdecimal()


def _header(path: Path, line: tuple[int, str]) -> tuple[int, int]:
    try:
        numbers = [int(number) for number in line[1].split()]
    except ValueError as problem:  # more digits than Python converts
        raise _no_header(path, line) from problem
    return (numbers[0], numbers[1]) if len(numbers) == 2 else (1, numbers[0])


def _no_header(path: Path, line: tuple[int, str]) -> FacezooError:
    return broken(
        path, line[0], shown(line[1]), "LFW's lists begin with the number of pairs (`10 300`, `1100`)."
    )


def _fields(line: str) -> list[str]:
    # tabs where the file has them: names may then hold spaces
    return [field.strip() for field in line.split("\t")] if "\t" in line else line.split()


def _pair(path: Path, number: int, line: str, fold: int | None) -> NamedPair:
    fields = _fields(line)
    try:
        if len(fields) == 3:
            name, first, second = fields
            return NamedPair(_name(name, first), _name(name, second), same=True, fold=fold)
        name, first, other, second = fields
        return NamedPair(_name(name, first), _name(other, second), same=False, fold=fold)
    except ValueError:
        hint = "A line is `identity n1 n2` or `identity1 n1 identity2 n2`."
        raise broken(path, number, shown(line), hint) from None


def _name(identity: str, number: str) -> str:
    return f"{identity}/{identity}_{int(number):04d}"
