"""The cells of a comparison and their settings."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from facezoo._words import did_you_mean
from facezoo.errors import FacezooError
from facezoo.settings import RunSettings, resolve


@dataclass(frozen=True)
class Cell:
    """One run of a comparison: a head or `head@preset`, swept settings as `section.key=value`, a seed, and
    their meaning.
    """

    head: str
    swept: tuple[str, ...]
    seed: int
    settings: RunSettings

    @property
    def label(self) -> str:
        """The row of the table that the cell belongs to."""
        return " ".join([self.head, *(text.removeprefix("head.") for text in self.swept)])

    @property
    def folder(self) -> str:
        """The run directory: label and seed, in characters that every file system takes."""
        return re.sub(r"[^\w.=+@-]+", "_", f"{self.label}-seed{self.seed}")


def make_grid(
    heads: Sequence[str],
    seeds: int,
    *,
    toml_path: Path | None = None,
    flags: Mapping[str, object] | None = None,
    sets: Sequence[str] = (),
    sweeps: Sequence[str] = (),
) -> list[Cell]:
    """Every head with every combination of swept values and every seed from 0, under one recipe.

    A head is a name, or `name@preset` for one of its presets in place of the recipe's.

    `flags` and `sets` are as for `resolve`; a sweep is `section.key=value,value,...`. Raises FacezooError
    where a setting of any cell is not admitted, before anything is trained.
    """
    if not heads or len(set(heads)) < len(heads):
        raise FacezooError(f"heads {','.join(heads)!r}: name each once", "Say --heads a,b.")
    variants = list(product(*map(_values, sweeps)))
    cells = []
    for head, swept, seed in product(heads, variants, range(seeds)):
        name, at, preset = head.partition("@")
        if at and not preset:
            raise FacezooError(f"heads: {head!r} names no preset", "Say NAME, or NAME@PRESET.")
        given = {**(flags or {}), "head.name": name}
        settings = resolve(toml_path, preset or None, given, [*sets, *swept, f"train.seed={seed}"])
        cells.append(Cell(head, swept, seed, settings))
    if len({cell.folder for cell in cells}) < len(cells):
        raise FacezooError("two cells of the grid have one name", "Give each swept value once.")
    return cells


def find_row(cells: Sequence[Cell], baseline: str) -> str:
    """The label of the row called `baseline`; a head will do where it has one row."""
    labels = list(dict.fromkeys(cell.label for cell in cells))
    of_head = [label for label in labels if label.split(" ")[0] == baseline]
    if baseline in labels or len(of_head) == 1:
        return baseline if baseline in labels else of_head[0]
    if of_head:
        raise FacezooError(
            f"baseline {baseline!r} has {len(of_head)} rows", f"Name one: {', '.join(map(repr, of_head))}."
        )
    message = f"baseline {baseline!r} is no row of the table{did_you_mean(baseline, labels)}"
    raise FacezooError(message, f"Rows: {', '.join(map(repr, labels))}.")


def _values(sweep: str) -> list[str]:
    key, equals, values = sweep.partition("=")
    if not equals or not all(value.strip() for value in values.split(",")):
        raise FacezooError(f"--sweep {sweep}: no values", "Say --sweep section.key=value,value.")
    return [f"{key.strip()}={value.strip()}" for value in values.split(",")]
