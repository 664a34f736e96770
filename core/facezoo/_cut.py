"""Lists that are printed, cut: how many there are, the first few, and where the rest is.

What a command prints must not grow with the data: a list is cut after `SHOWN` lines, and a line that names
many things after `SHOWN` of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from typing import Final

SHOWN: Final = 5


def listed(title: str, lines: Iterable[str], count: int, rest: str = "--json lists all") -> Iterator[str]:
    """A title with the count, the first of the lines, and, where there are more, how many and where (`rest`).

    A count of zero is said, too, so that nothing is left open.
    """
    yield f"{title}: {count:,}"
    yield from first_few(lines, count, rest)


def first_few(lines: Iterable[str], count: int, rest: str) -> Iterator[str]:
    """The first of `count` lines, indented, and how many more there are and where (`rest`)."""
    yield from (f"  {line}" for line in islice(lines, SHOWN))
    if count > SHOWN:
        yield f"  and {count - SHOWN:,} more; {rest}"


def named(names: Collection[str], between: str = ", ") -> str:
    """The first of some names in one line: `a, b, c, d, e and 19,995 more`."""
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return between.join(islice(names, SHOWN)) + more
