"""What a benchmark finds: a table, one main figure, and every figure again for other draws of identities.

Images share people, so they are not independent trials; people are. Drawing U identities with replacement
gives identity u the weight `times[u]`; a figure's replicates are its values under such weights, and its
interval is where the middle of them lie. With all weights 1 a replicate is the figure itself. The same draws
for two runs give pairs of replicates, and so the interval of their difference.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from facezoo.evaluation.bootstrap import ELEMENTS, REPLICATES, Times, drawn
from facezoo.evaluation.identities import Units
from facezoo.evaluation.intervals import percentiles
from facezoo.table import Row, Table, Unit

Floats = npt.NDArray[np.float64]
Curve = tuple[Floats, Floats]
"""x and y of a curve's corners, float64 [n] each, in rising order of x."""


@dataclass(frozen=True)
class Main:
    """The figure that runs are ranked by: for the best checkpoint, for comparisons, in training's lines."""

    name: str
    value: float | None
    better: Literal["higher", "lower"] = "higher"
    unit: Unit = "%"

    def beats(self, other: float | None) -> bool:
        """Whether it is better than another run's; an undefined one never is, and any is better than that."""
        if self.value is None or other is None:
            return self.value is not None
        return self.value > other if self.better == "higher" else self.value < other


@dataclass(frozen=True)
class Comparison:
    """Two images, or an image and what stands for an identity, and the score that they were given."""

    a: str
    b: str
    score: float
    same: bool


class Result(ABC):
    """What one benchmark found for one set of embeddings."""

    name: str
    """What was measured on, as it is printed: "pairs.csv", "CFP-FP"."""
    units: Units
    """What is drawn: identities or, where those are unknown, what stands for them."""

    @property
    @abstractmethod
    def main(self) -> Main:
        """The main figure."""

    @property
    @abstractmethod
    def table(self) -> Table:
        """All figures, with their intervals."""

    @property
    @abstractmethod
    def figures(self) -> Mapping[str, Any]:
        """The figures as JSON types, without intervals: what a run's metrics and evaluation.json keep."""

    @abstractmethod
    def weighted(self, times: Times) -> Mapping[str, Floats]:
        """Replicates of each figure, by name, float64 [r]: NaN where one is undefined in a draw.

        `times` is integer [units, r]. The main figure is among them.
        """

    @property
    def load(self) -> int:
        """How many numbers one replicate is computed from: it decides how many are computed at a time."""
        return self.units.count

    def curves(self) -> Mapping[str, Curve]:
        """Curves by name, such as "ROC"."""
        return {}

    def worst(self, count: int) -> Sequence[Comparison]:
        """The comparisons that went most wrong, the worst first, at most `count` of them."""
        return ()

    def draws(self, count: int = REPLICATES, seed: int = 0) -> Iterator[Times]:
        """`count` draws of the units, in blocks [units, r]: a function of the benchmark and the seed.

        Two results of one benchmark have the same draws, so that their replicates belong together.
        """
        at_once = max(1, min(count, ELEMENTS // max(self.load, self.units.count)))
        return drawn(self.units.count, count, seed, at_once)

    def replicates(self, draws: Iterable[Times]) -> dict[str, Floats]:
        """Replicates of each figure for these draws, float64 [R]."""
        blocks = [self.weighted(times) for times in draws]
        names = blocks[0] if blocks else ()
        return {name: np.concatenate([block[name] for block in blocks]) for name in names}

    def as_dict(self) -> dict[str, Any]:
        """Everything as it is written to JSON."""
        return {"figures": dict(self.figures)}


@dataclass(frozen=True, eq=False)
class Figures(Result):
    """A result whose figures are one function of the identities' weights, which is all that must be said.

    `of(times)` is `weighted`; the values are those of all weights 1, the intervals those of `count` draws.
    `unit` and `better` hold for all figures and for the main one, which is called `ranked_by`.
    """

    name: str
    of: Callable[[Times], Mapping[str, Floats]]
    units: Units
    ranked_by: str
    better: Literal["higher", "lower"] = "higher"
    unit: Unit = "%"
    count: int = REPLICATES
    seed: int = 0
    remarks: Sequence[str] = ()
    curve: Mapping[str, Curve] = field(default_factory=dict)
    wrong: Sequence[Comparison] = ()
    """The worst comparisons, the worst first."""

    def weighted(self, times: Times) -> Mapping[str, Floats]:
        """See `Result`."""
        return self.of(times)

    @cached_property
    def figures(self) -> Mapping[str, float | None]:
        """The figures by name; None where one is undefined."""
        ones = self.of(np.ones((self.units.count, 1), np.int64))
        return {name: float(value[0]) if np.isfinite(value[0]) else None for name, value in ones.items()}

    @property
    def main(self) -> Main:
        """See `Result`."""
        return Main(self.ranked_by, self.figures[self.ranked_by], self.better, self.unit)

    @cached_property
    def table(self) -> Table:
        """See `Result`."""
        drawn = self.replicates(self.draws(self.count, self.seed)) if self.count else {}
        method = f"{self.units.words}, {self.count:,} replicates"
        rows = [
            Row(name, value, percentiles(drawn[name], method) if name in drawn else None, self.unit)
            for name, value in self.figures.items()
        ]
        notes = [f"intervals: {method}"] if self.count else []
        columns = (self.unit or "", "figure", "95 % interval")
        return Table(self.name, rows, columns, remarks=self.remarks, notes=notes)

    def curves(self) -> Mapping[str, Curve]:
        """See `Result`."""
        return self.curve

    def worst(self, count: int) -> Sequence[Comparison]:
        """See `Result`."""
        return self.wrong[:count]
