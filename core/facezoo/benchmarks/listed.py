"""Lists of pairs in a file, or in a folder under their usual names."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from facezoo.benchmarks.given import Given
from facezoo.benchmarks.pairs import PairsBenchmark
from facezoo.data.faces import printable
from facezoo.data.lists import form_of_list, read_list
from facezoo.data.pairs import say_form
from facezoo.errors import FacezooError

_USUAL: Final = {"lfw": ("pairs.txt", "pairs.csv"), "csv": ("pairs.csv", "pairs.txt")}
"""The lists that a folder may hold, and which of them each benchmark takes first."""


def form_at(path: Path) -> str | None:
    """The benchmark that the list at `path`, or in that folder, is for; None for a folder without one.

    What cannot be read is for "csv" to tell of.
    """
    if path.is_dir() and not any((path / name).is_file() for name in _USUAL["csv"]):
        return None
    try:
        forms = {form_of_list(file).protocol for file in _lists(path)}
    except FacezooError:
        return "csv"
    if len(forms) > 1:
        message = f"{printable(str(path))}: holds lists for {' and '.join(sorted(forms))}"
        raise FacezooError(message, "Name the file, or say which (--benchmark, evaluate.protocol).")
    return forms.pop()


def open_lfw(given: Given) -> PairsBenchmark:
    """LFW's list at a path."""
    return _open(given, "lfw")


def open_csv(given: Given) -> PairsBenchmark:
    """A list of pairs of any other form at a path."""
    return _open(given, "csv")


def _open(given: Given, benchmark: str) -> PairsBenchmark:
    path = given.file(benchmark)
    file = _list_in(path, benchmark) if path.is_dir() else path
    read = read_list(file)
    if read.form.protocol != benchmark:
        message = f"{printable(str(file))}: not what benchmark {benchmark!r} reads"
        raise FacezooError(message, f"It is a list of benchmark {read.form.protocol!r}.")
    say_form(file, read)
    name = f"{file.parent.name}/{file.name}" if path.is_dir() else file.name
    return PairsBenchmark.listed(given, name, read.pairs, (file.parent, file.parent / "images"))


def _lists(path: Path) -> list[Path]:
    return [path / name for name in _USUAL["csv"] if (path / name).is_file()] if path.is_dir() else [path]


def _list_in(folder: Path, benchmark: str) -> Path:
    for name in _USUAL[benchmark]:
        if (folder / name).is_file():
            return folder / name
    message = f"{printable(str(folder))}: holds no {' and '.join(_USUAL[benchmark])}"
    raise FacezooError(message, "Name the file that lists the pairs.")
