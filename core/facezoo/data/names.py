"""Which image a name in a list means: one rule, for files in a folder and for paths in a file of embeddings.

1. The name itself.
2. Where there is none: the name with an image's ending behind it (`Ann_0001` is `Ann_0001.jpg`).
3. Where there is none: the name with another ending (`Ann_0001.jpg` is `Ann_0001.png`, as people convert).

Of several by one rule none is taken: that is an error. Names are compared after NFC normalisation, as file
systems differ in the form in which they store them. Hidden files, such as the `._x.png` that macOS leaves on
other file systems, answer for no name.
"""

from __future__ import annotations

import posixpath
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from functools import cache

from facezoo.data.formats import HEIC, UNREAD, image_suffixes, why_not
from facezoo.errors import FacezooError

LONGEST = 255  # bytes of a file's name, in every usual file system


def tidy(name: str) -> str:
    """A name as a path: `/` between the parts, none of them empty, `a/../b` as `b`."""
    name = posixpath.normpath(name.replace("\\", "/"))
    return name[1:] if name.startswith("//") else name


def composed(name: str) -> str:
    """A name in NFC, as names are compared."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def stem(name: str) -> str:
    """A name without an image's ending: only such a one, for `J._Smith` and `m.0abc1` have points, too."""
    rest, _, ending = name.rpartition(".")
    return rest if rest and not rest.endswith("/") and ending.lower() in _endings() else name


@cache
def _endings() -> frozenset[str]:
    # those as well that are not read: people convert from them
    return frozenset(ending[1:] for ending in image_suffixes() | HEIC | UNREAD)


class Index:
    """Names of one place, each with what it stands for, to be found by the rule."""

    def __init__(self, entries: Iterable[tuple[str, str]]) -> None:
        self.whole: dict[str, list[str]] = {}
        self.stems: dict[str, list[str]] = {}
        for name, answer in entries:
            key = composed(name)
            if not posixpath.basename(key).startswith("."):
                self.whole.setdefault(key, []).append(answer)
                if not why_not(key):  # a photograph beside what it was converted to makes no two
                    self.stems.setdefault(stem(key), []).append(answer)

    def find(self, name: str) -> list[str]:
        """The answers for a composed name: none, one, or the several that it may mean."""
        return self.whole.get(name) or self.stems.get(name) or self.stems.get(stem(name)) or []

    def one(self, name: str, key: str, is_it: Callable[[str], bool]) -> str | None:
        """The answer for a name, whose composed form is `key`; None where there is none.

        Of several that one is taken which `is_it`, letter by letter; FacezooError where none or more are.
        """
        found = self.find(key)
        if len(found) > 1:
            found = [answer for answer in found if is_it(answer)] or found
        if len(found) > 1:
            raise several(name, found)
        return found[0] if found else None

    def near(self, name: str) -> str:
        """What is there instead of a composed name, and how they differ; "" if nothing is like it."""
        for there in self.whole:
            if how := difference(name, there):
                return f"{there!r} is there, which differs {how}"
        return ""


def difference(name: str, there: str) -> str:
    """How a name that is there differs from the one that is looked for, in words; "" if in more than that."""
    a, b = stem(name), stem(there)
    if a.casefold() == b.casefold():
        return "in upper and lower case"
    if name.rpartition(".")[0] == there.rpartition(".")[0] != "":
        return "in the ending"
    if b.startswith(a) and not b[len(a)].isalnum():
        return f"by {b[len(a) :]!r} behind the name"
    if _without_zeros(a) == _without_zeros(b):
        return "in the zeros before a number"
    return ""


def _without_zeros(name: str) -> str:
    return re.sub(r"(?<!\d)0+(?=\d)", "", name)


def impossible(name: str) -> str:
    """Why no file here can have this name, or ""."""
    if re.match(r"[A-Za-z]:[\\/]|\\\\", name) and posixpath.sep == "/":
        return "it is a path of Windows"
    if any(len(part.encode("utf-8", "surrogateescape")) > LONGEST for part in name.split("/")):
        return f"it is longer than the {LONGEST} bytes that a file's name can have"
    return ""


def several(name: str, found: Sequence[str]) -> FacezooError:
    """The error for a name that may mean more than one image."""
    more = f", among {len(found):,}" if len(found) > 2 else ""
    message = f"{name!r} may mean {found[0]!r} and {found[1]!r}{more}"
    return FacezooError(message, "Write names in full in the list, or give images of one set alone.")
