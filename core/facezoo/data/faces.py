"""What a source found and does not use, with reasons."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum, auto
from itertools import islice

from facezoo._cut import SHOWN
from facezoo._words import printable as printable  # noqa: PLC0414 (where many know it from)
from facezoo.errors import FacezooError


class Why(IntEnum):
    """Kinds of reasons why something is not used, those that most need a look first."""

    OTHER_FORMAT = auto()
    """An image of a format that is not read."""
    UNUSABLE = auto()
    """A link that leads nowhere, a pipe, a device."""
    UNLISTED = auto()
    """A folder that the system does not show."""
    NO_IMAGE = auto()
    """A file that is no image by its name."""
    TOO_DEEP = auto()
    """A folder further down than the walk goes."""
    TWICE = auto()
    """A link to a folder that is there already."""
    PASSED_OVER = auto()
    """Hidden, or litter."""


@dataclass(frozen=True)
class LeftOut:
    """A file or folder that a source found but does not use, and why."""

    path: str
    reason: str
    why: Why | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return f"{printable(self.path)}: {self.reason}"


def require_listed(place: str, left_out: Sequence[LeftOut], hint: str) -> None:
    """FacezooError where a folder could not be listed: its images would be missing without a word."""
    for item in left_out:
        if item.why is Why.UNLISTED:
            raise FacezooError(f"{printable(f'{place}/{item.path}')}: {item.reason}", hint)


def told(left_out: Sequence[LeftOut], rest: str) -> Iterator[str]:
    """Lines about what was left out, indented: each item where they are few, else each reason with a count.

    `rest` says where all are listed.
    """
    if len(left_out) <= SHOWN:
        yield from (f"  {item}" for item in left_out)
        return
    reasons: dict[str, list[str]] = defaultdict(list)
    for item in left_out:
        reasons[item.reason].append(item.path)
    for reason, paths in islice(reasons.items(), SHOWN):
        yield f"  {len(paths):,} x {reason}, such as {printable(paths[0])}"
    more = f"and {len(reasons) - SHOWN:,} other reasons; " if len(reasons) > SHOWN else ""
    yield f"  {more}{rest}"
