"""The words that people's lists use: for the columns, and for "one identity" and "two"."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, Literal

Role = Literal["a", "b", "same", "fold", "index"]

_IMAGE: Final = ("image", "img", "path", "file", "filename", "name", "photo", "picture", "face")
_WORDS: Final[Mapping[Role, frozenset[str]]] = {
    "a": frozenset({"a", "left", "p1", "f1", *(f"{w}{n}" for w in _IMAGE for n in ("1", "a", "left"))}),
    "b": frozenset({"b", "right", "p2", "f2", *(f"{w}{n}" for w in _IMAGE for n in ("2", "b", "right"))}),
    "same": frozenset(
        {"same", "issame", "sameperson", "sameidentity", "label", "match", "ismatch", "genuine", "isgenuine"}
        | {"mated", "ismated", "target"}
    ),
    "fold": frozenset({"fold", "foldid", "foldnumber"}),
    "index": frozenset({"", "unnamed0", "index", "pairindex", "pairid", "number"}),
}
TRUE: Final = frozenset(
    {"1", "1.0", "true", "t", "yes", "y", "same", "genuine", "match", "mated", "positive"}
)
FALSE: Final = frozenset(
    {"0", "0.0", "-1", "-1.0", "false", "f", "no", "n", "different", "diff", "impostor", "imposter"}
    | {"nonmatch", "nonmated", "negative"}
)
MINUS: Final = frozenset({"-1", "-1.0"})
ZERO: Final = frozenset({"0", "0.0"})


def is_truth(cell: str) -> bool:
    """Whether a cell says one identity or two, and cannot be the name of a column that does."""
    return cell.strip().lower() in (TRUE | FALSE) - _WORDS["same"]


def roles(header: Sequence[str]) -> dict[Role, int] | None:
    """Where the columns of a pair stand, by their names; None unless images and truth are named once each.

    Columns that are none of these are not in the answer.
    """
    plain = [re.sub(r"[\s_:.-]", "", name).lower() for name in header]
    found: dict[Role, int] = {}
    for role, words in _WORDS.items():
        at = [column for column, name in enumerate(plain) if name in words]
        if len(at) > 1 and role != "index":
            return None
        if at:
            found[role] = at[0]
    return found if found.keys() >= {"a", "b", "same"} else None
