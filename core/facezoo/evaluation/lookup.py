"""Finding the embedding that a name in a list of pairs means."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from facezoo.data.names import Index, composed, several, tidy


class Lookup:
    """Image names to paths, by the rule of `facezoo.data.names`: equal ones, or from their last folders on.

    A file of embeddings and a list of pairs rarely name images from one folder on: `AJ_Cook/AJ_Cook_0001` of
    a list is `lfw/AJ_Cook/AJ_Cook_0001.jpg` elsewhere. No file is looked for, so that it does not matter
    where a name begins: `/` and `..` in front of it are passed over.
    """

    def __init__(self, paths: Sequence[str]) -> None:
        self.paths = paths
        self.by_tail = cache(self._by_tail)

    def __call__(self, name: str) -> str | None:
        """The path that a name means, or None; FacezooError where it may mean several."""
        asked = _parts(name)
        found = self.by_tail(len(asked)).find("/".join(asked))
        if len(found) > 1:  # one may be the whole of a path
            found = [path for path in found if len(_parts(path)) == len(asked)] or found
        if len(found) > 1:
            raise several(name, found)
        return found[0] if found else None

    def near(self, name: str) -> str:
        """What is there instead of a name that is not, in words; "" where nothing is like it."""
        asked = _parts(name)
        if words := self.by_tail(len(asked)).near("/".join(asked)):
            return words
        for skipped in range(1, len(asked)):
            if found := self.by_tail(len(asked) - skipped).find("/".join(asked[skipped:])):
                return f"{found[0]!r} is there, in another folder"
        return ""

    def _by_tail(self, length: int) -> Index:
        """Paths by their last `length` parts; a path with fewer is not there."""
        tails = ((_parts(path)[-length:], path) for path in self.paths)
        return Index(("/".join(tail), path) for tail, path in tails if len(tail) == length)


def _parts(name: str) -> list[str]:
    parts = composed(tidy(name)).split("/")
    while len(parts) > 1 and parts[0] in {"", ".."}:
        del parts[0]
    return parts
