"""What installed distributions say of themselves, read so that none of them can hide the others.

The files are read here, not by importlib.metadata: that parses all of a distribution or nothing, raises where
a byte is no UTF-8 or a line has no "=", and importing it takes half as long as importing click.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib.machinery import PathFinder
from typing import Final

from facezoo._words import cut, printable
from facezoo.registry.compatibility import canonical

LARGEST: Final = 2**20
"""Bytes of a file that are read; headers come first, and no honest list of entry points is longer."""
MOST: Final = 1000
"""Entry points of one group that one distribution may have."""
KEPT: Final = 1024
"""Files of which what was read is kept: lists ask for one group after another."""

Read = Callable[[str], str]


@dataclass(frozen=True)
class Offer:
    """A distribution with entry points in groups of facezoo's. All texts are printable lines."""

    dist: str
    version: str
    summary: str
    requires: tuple[str, ...]
    points: Mapping[str, Mapping[str, str]]
    """By group, name and value of each; the value is empty where a line has no "="."""
    too_large: bool = False
    """Whether `points` are the beginning of more than is read."""


def offers() -> Iterator[Offer]:
    """Every distribution on the path that offers facezoo anything; imports nothing of them."""
    seen: set[str] = set()
    for folder, read in sources(sys.path):
        # the text is looked at first: parsing it for every distribution there is costs more than all the rest
        text = read("entry_points.txt")
        if "[facezoo." not in text:
            continue
        name, version, summary, requires = _about(read, folder)
        if canonical(name) not in seen:  # a second copy is further down the path: imports take the first, too
            seen.add(canonical(name))
            yield Offer(name, version, summary, requires, _points(text), len(text) > LARGEST)


def sources(path: Iterable[str]) -> Iterator[tuple[str, Read]]:
    """Each folder of metadata on `path`, and what reads a file in it: "" where there is none."""
    for place in path:
        try:
            names = os.listdir(place or ".")  # noqa: PTH208 (as fast as can be: every command waits for it)
        except NotADirectoryError:  # an archive
            yield from _elsewhere([place])
        except OSError:
            continue
        else:
            folders = [name for name in names if name.lower().endswith((".dist-info", ".egg-info"))]
            yield from ((name, partial(_read, os.path.join(place, name))) for name in folders)  # noqa: PTH118
    finders = [finder for finder in sys.meta_path if finder is not PathFinder]
    if any(hasattr(finder, "find_distributions") for finder in finders):
        yield from _elsewhere([])


def _elsewhere(path: list[str]) -> Iterator[tuple[str, Read]]:
    """What importlib finds in archives and by finders of its own: whatever these raise."""
    from importlib.metadata import Distribution, distributions

    def read(dist: Distribution, name: str) -> str:
        try:
            return (dist.read_text(name) or "")[: LARGEST + 1]
        except Exception:  # noqa: BLE001 (a stranger's finder must not take facezoo down)
            return ""

    try:
        found = list(distributions(path=path))
    except Exception:  # noqa: BLE001 (as above)
        found = []
    for dist in found:
        yield os.path.basename(str(getattr(dist, "_path", ""))), partial(read, dist)  # noqa: PTH119


def _read(folder: str, name: str) -> str:
    """The beginning of a file of metadata, bytes that are no UTF-8 escaped; empty where there is none."""
    file = os.path.join(folder, name)  # noqa: PTH118 (a Path costs as much as the look at the file)
    try:
        found = os.stat(file)  # noqa: PTH116
        if stat.S_ISREG(found.st_mode):
            return _content(file, (found.st_mtime_ns, found.st_size, found.st_ino))
    except OSError:
        pass
    return ""


@lru_cache(maxsize=KEPT)
def _content(file: str, _stamp: tuple[int, int, int]) -> str:
    """A file is opened once, and again where it has changed."""
    with open(file, "rb") as opened:  # noqa: PTH123
        return opened.read(LARGEST + 1).decode("utf-8-sig", "backslashreplace")


def _about(read: Read, folder: str) -> tuple[str, str, str, tuple[str, ...]]:
    """Name, version, summary and requirements; by its folder where the metadata has no name or version."""
    headers = _headers(read("METADATA") or read("PKG-INFO"))
    named = os.path.splitext(folder)[0].split("-")  # noqa: PTH122
    name = headers.get("name", [""])[0] or printable(named[0]) or "unnamed distribution"
    version = headers.get("version", [""])[0] or printable("".join(named[1:2])) or "unknown"
    requires = tuple(headers.get("requires-dist", []))
    return cut(name, 100), cut(version, 100), headers.get("summary", [""])[0], requires


@lru_cache(maxsize=KEPT)
def _headers(text: str) -> Mapping[str, list[str]]:
    """The headers by name in lower case; a line that begins with a space goes on with the one before it."""
    found: dict[str, list[str]] = {}
    last: list[str] = []
    for line in text.partition("\n\n")[0].split("\n"):  # the README stands below an empty line
        if not line.strip():
            break
        if line[0].isspace() and last:
            last[-1] = f"{last[-1]} {_line(line)}"
        elif ":" in line:
            name, _, value = line.partition(":")
            last = found.setdefault(name.lower(), [])
            last.append(_line(value))
    return found


def _line(text: str) -> str:
    return printable(" ".join(text.split()))


@lru_cache(maxsize=KEPT)
def _points(text: str) -> Mapping[str, Mapping[str, str]]:
    """The entry points of each of facezoo's groups, by name."""
    groups: dict[str, dict[str, str]] = {}
    points: dict[str, str] | None = None
    for line in filter(None, map(str.strip, text.splitlines())):
        if line.startswith("[") and line.endswith("]"):
            group = line.strip("[]")
            points = groups.setdefault(group, {}) if group.startswith("facezoo.") else None
        elif points is not None and not line.startswith("#"):
            name, _, value = line.partition("=")
            points[printable(name.strip())] = printable(value.strip())
    return groups
