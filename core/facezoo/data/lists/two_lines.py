"""CALFW's and CPLFW's lists: two lines per pair, each an image and a number that both lines share."""

from __future__ import annotations

from pathlib import Path

from facezoo._words import shown
from facezoo.data.lists.lfw import Lines
from facezoo.data.lists.lines import broken
from facezoo.data.named import NamedPair

HINT = "Of CALFW's and CPLFW's lists two lines are a pair: `image n`, with one n, 0 for impostors."


def is_half(line: str) -> bool:
    """Whether a line is an image's name and a number."""
    fields = _fields(line)
    return len(fields) == 2 and bool(fields[0]) and fields[1].isdecimal() and not fields[0].isdecimal()


def read_two_lines(path: Path, lines: Lines) -> list[NamedPair]:
    """The pairs of such a list: genuine where the number is not 0. They have no folds.

    Raises FacezooError where a line is of another kind, a pair's numbers differ, or a line has no second.
    """
    halves = [_half(path, number, line) for number, line in lines]
    if len(halves) % 2:
        number, line = lines[-1]
        raise broken(path, number, f"{shown(line)} has no second line", HINT)
    pairs = []
    for (a, first), (b, second), (number, line) in zip(halves[::2], halves[1::2], lines[1::2], strict=True):
        if first != second:
            raise broken(path, number, f"{shown(line)}, but the line before says {first}", HINT)
        pairs.append(NamedPair(a, b, first.strip("0") != ""))
    return pairs


def _half(path: Path, number: int, line: str) -> tuple[str, str]:
    if not is_half(line):
        raise broken(path, number, shown(line), HINT)
    name, label = _fields(line)
    return name, label


def _fields(line: str) -> list[str]:
    return [field.strip() for field in line.strip().split("\t")] if "\t" in line.strip() else line.split()
