"""What installed distributions say of themselves, read so that none of them can hide the others.

The files are read here, not by importlib.metadata: that parses all of a distribution or nothing, and raises
where a byte is no UTF-8 or a line has no "=".
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_string
from functools import lru_cache
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Final

from facezoo._words import cut, printable
from facezoo.registry.compatibility import canonical

LARGEST: Final = 2**20
"""Bytes of a file that are read; headers come first, and no honest list of entry points is longer."""
MOST: Final = 1000
"""Entry points of one group that one distribution may have."""


@dataclass(frozen=True)
class Offer:
    """A distribution with entry points of one group. All texts are printable lines."""

    dist: str
    version: str
    summary: str
    requires: tuple[str, ...]
    points: tuple[tuple[str, str], ...]
    """Name and value of each; the value is empty where a line has no "="."""
    trouble: str = ""
    """Why there are no `points`, although it has some."""


def offers(group: str) -> Iterator[Offer]:
    """Every distribution on the path that has entry points of `group`; imports nothing of them."""
    seen: set[str] = set()
    for dist in distributions():
        # the text is looked at first: parsing it for every distribution there is costs more than all the rest
        text = _read(dist, "entry_points.txt")
        if f"[{group}]" not in text:
            continue
        name, version, summary, requires = _about(dist)
        if canonical(name) in seen:  # a second copy further down the path: imports take the first one, too
            continue
        seen.add(canonical(name))
        points, trouble = _points(text, group)
        if points or trouble:
            yield Offer(name, version, summary, requires, points, trouble)


def _read(dist: Distribution, name: str) -> str:
    """The beginning of a file of metadata, bytes that are no UTF-8 escaped; empty where there is none."""
    folder = getattr(dist, "_path", None)  # importlib's own attribute: there is no other way to the bytes
    if not isinstance(folder, Path):
        return _read_elsewhere(dist, name)
    file = os.path.join(folder, name)  # noqa: PTH118 (for every distribution there is: a Path costs as much as the stat)
    try:
        found = os.stat(file)  # noqa: PTH116
        if not stat.S_ISREG(found.st_mode):
            return ""
        return _content(file, (found.st_mtime_ns, found.st_size, found.st_ino))
    except OSError:
        return ""


@lru_cache(maxsize=2048)
def _content(file: str, _stamp: tuple[int, int, int]) -> str:
    """A file is opened once, and again where it has changed: lists ask for one group after another."""
    with open(file, "rb") as opened:  # noqa: PTH123
        return opened.read(LARGEST + 1).decode("utf-8-sig", "backslashreplace")


def _read_elsewhere(dist: Distribution, name: str) -> str:
    """The same of a distribution that is no folder but, say, in an archive: whatever its finder raises."""
    try:
        return (dist.read_text(name) or "")[: LARGEST + 1]
    except Exception:  # noqa: BLE001 (a stranger's finder must not take facezoo down)
        return ""


def _about(dist: Distribution) -> tuple[str, str, str, tuple[str, ...]]:
    """Name, version, summary and requirements; by its folder where the metadata has no name or version."""
    text = _read(dist, "METADATA") or _read(dist, "PKG-INFO") or _read(dist, "")
    headers = message_from_string(text.partition("\n\n")[0])  # without the README below them
    folder = Path(str(getattr(dist, "_path", ""))).stem.split("-")
    name = _line(headers["Name"]) or printable(folder[0]) or "unnamed distribution"
    version = _line(headers["Version"]) or printable("".join(folder[1:2])) or "unknown"
    requires = tuple(str(line) for line in headers.get_all("Requires-Dist") or [])
    return cut(name, 100), cut(version, 100), _line(headers["Summary"]), requires


def _line(header: object) -> str:
    return "" if header is None else printable(" ".join(str(header).split()))


def _points(text: str, group: str) -> tuple[tuple[tuple[str, str], ...], str]:
    """The entry points of one group, by name, or why they are not read."""
    if len(text) > LARGEST:
        return (), f"its entry_points.txt has more than {LARGEST:,} bytes"
    points: dict[str, str] = {}
    section = ""
    for line in filter(None, map(str.strip, text.splitlines())):
        if line.startswith("[") and line.endswith("]"):
            section = line.strip("[]")
        elif section == group and not line.startswith("#"):
            name, _, value = line.partition("=")
            points[printable(name.strip())] = printable(value.strip())
    if len(points) > MOST:
        return (), f"it offers {len(points):,} names in the group {group}; {MOST:,} are admitted"
    return tuple(points.items()), ""
