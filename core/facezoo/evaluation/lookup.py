"""Finding the embedding that a name in a list of pairs means."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import cache
from pathlib import PurePosixPath

from facezoo.data.faces import printable
from facezoo.errors import FacezooError


class Lookup:
    """Image names to paths: equal ones, with or without the ending, or from the same trailing folders on.

    A file of embeddings and a list of pairs rarely name images from one folder on: `AJ_Cook/AJ_Cook_0001` of
    a list is `lfw/AJ_Cook/AJ_Cook_0001.jpg` elsewhere. Names are compared after NFC normalisation.
    """

    def __init__(self, paths: Sequence[str]) -> None:
        self.paths = paths
        self.by_tail = cache(self._by_tail)

    def __call__(self, name: str) -> str | None:
        """The path that a name means, or None; FacezooError where it may mean several."""
        parts = PurePosixPath(name.replace("\\", "/")).parts
        for key in (_key(parts), _key(_without_ending(parts))):
            found = self.by_tail(len(parts)).get(key, [])
            exact = [path for path in found if _key(PurePosixPath(path).parts) == key]
            if len(exact or found) > 1:
                several = " and ".join(map(repr, found[:2]))
                message = f"{printable(name)!r} may mean {several}, among others"
                raise FacezooError(message, "Give embeddings of this set alone.")
            if found:
                return (exact or found)[0]
        return None

    def _by_tail(self, length: int) -> dict[str, list[str]]:
        """Paths by their last `length` parts, as they are and without their ending."""
        tails: dict[str, list[str]] = {}
        for path in self.paths:
            parts = PurePosixPath(path).parts[-length:]
            for key in {_key(parts), _key(_without_ending(parts))}:
                tails.setdefault(key, []).append(path)
        return tails


def _key(parts: Sequence[str]) -> str:
    return unicodedata.normalize("NFC", "/".join(parts))


def _without_ending(parts: tuple[str, ...]) -> tuple[str, ...]:
    # only what looks like an ending: a name such as `J._Smith` has a point, too
    stem, point, ending = parts[-1].rpartition(".")
    plain = bool(point and stem and ending.isalnum() and len(ending) <= 4)
    return (*parts[:-1], stem) if plain else parts
