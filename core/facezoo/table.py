"""One record for every result: text and JSON are two writers of it.

Values are what was computed: fractions, degrees, cosines. Only the text writer multiplies by a hundred.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

LEVEL: Final = 0.95
Unit = Literal["%", "degrees", ""]
_DIGITS: Final[dict[Unit, int]] = {"%": 2, "degrees": 1, "": 4}


@dataclass(frozen=True)
class Interval:
    """An interval of confidence `level`, and how it was obtained, in words."""

    low: float
    high: float
    method: str
    level: float = LEVEL

    def as_dict(self) -> dict[str, Any]:
        """The interval as it is written to JSON."""
        return {"low": self.low, "high": self.high, "level": self.level, "method": self.method}


@dataclass(frozen=True)
class Row:
    """One figure. `value` None is undefined; with the unit "%" values and intervals are fractions."""

    name: str
    value: float | None
    interval: Interval | None = None
    unit: Unit = "%"
    note: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The row as it is written to JSON."""
        return {**asdict(self), "interval": self.interval and self.interval.as_dict()}


@dataclass(frozen=True)
class Table:
    """A title, rows of figures under `columns`, and lines around them.

    `columns` head the names, the values and the intervals; without a third one no interval is printed.
    `remarks` stand between title and rows, `notes` below.
    """

    title: str
    rows: Sequence[Row]
    columns: Sequence[str] = ("%", "figure", "95 % interval")
    remarks: Sequence[str] = ()
    notes: Sequence[str] = ()

    def lines(self) -> Iterator[str]:
        """The table as text."""
        yield self.title
        yield from self.remarks
        if self.rows:
            width = max(14, 1 + max(len(row.name) for row in self.rows))
            name, value, *interval = self.columns
            yield f"{name:<{width}}{value:>10}   {''.join(interval)}".rstrip()
            for row in self.rows:
                yield _line(row, width, with_interval=bool(interval))
        yield from self.notes

    def as_dict(self) -> dict[str, Any]:
        """The table as it is written to JSON."""
        lists = {name: list(getattr(self, name)) for name in ("columns", "remarks", "notes")}
        return {"title": self.title, **lists, "rows": [row.as_dict() for row in self.rows]}


def number(value: float | None, unit: Unit = "%") -> str:
    """A value as text, without its unit: "98.68" for 0.98683 in percent."""
    return "undefined" if value is None else f"{value * (100 if unit == '%' else 1):.{_DIGITS[unit]}f}"


def ends(interval: Interval | None, unit: Unit = "%") -> str:
    """An interval as text."""
    return "none" if interval is None else f"{number(interval.low, unit)} to {number(interval.high, unit)}"


def _line(row: Row, width: int, *, with_interval: bool) -> str:
    # without a spread there is no interval: no draw of people contained an error, or each the same
    flat = row.interval is not None and row.interval.low == row.interval.high
    text = "no draw differs" if flat else ends(row.interval, row.unit)
    said = f"{text:<18}{row.note}" if with_interval and (row.value is not None or not row.note) else row.note
    return f"{row.name:<{width}}{number(row.value, row.unit):>10}   {said}".rstrip()
