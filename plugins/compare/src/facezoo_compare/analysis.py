"""What the figures of several runs show: means, spreads, intervals, and paired differences.

Two things vary: who happens to be in the test set, and how training happens to go. The first comes from
drawing the test's identities anew, the same draw for every run; the second from the spread over seeds, whose
mean has the error SD / sqrt(S), distributed as t with S - 1 degrees of freedom. Replicates here are the sum.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from facezoo.benchmarks import PairsResult, Result
from facezoo.errors import FacezooError
from facezoo.evaluation.bootstrap import REPLICATES
from facezoo.evaluation.intervals import LEVEL, Interval, holm, percentiles, two_sided
from facezoo.table import Unit
from facezoo_compare.results import check_figure
from facezoo_compare.running import Outcome

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Difference:
    """A row's mean less the baseline's, over the `seeds` that both have.

    `p` is two-sided, `adjusted` corrected for the number of rows (Holm); `shown` where that is below 0.05.
    """

    value: float
    interval: Interval | None
    p: float
    adjusted: float
    shown: bool
    seeds: int


@dataclass(frozen=True)
class Row:
    """One row: the figure of each seed (rates as fractions), their mean and spread, and what failed.

    `sd` is over seeds, n - 1 in the denominator, None with one; `untrained` the mean of the networks before
    training. `mean` is None where every seed failed. `difference` is None for the baseline and without it.
    """

    label: str
    figures: Mapping[int, float]
    mean: float | None
    sd: float | None
    interval: Interval | None
    untrained: float | None
    difference: Difference | None
    failures: Mapping[int, str]

    def as_dict(self) -> dict[str, Any]:
        """The row as it is written to JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Comparison:
    """The table of a comparison: `metric` is a figure in `unit`, `pairs` the benchmark that it is of."""

    metric: str
    pairs: str
    baseline: str
    rows: tuple[Row, ...]
    method: str
    unit: Unit = "%"

    def as_dict(self) -> dict[str, Any]:
        """The table as it is written to JSON."""
        return {**asdict(self), "rows": [row.as_dict() for row in self.rows]}


@dataclass(frozen=True, eq=False)
class _Measured:
    """The figure of each seed of a row, and its replicates [R], on the same draws for all."""

    figures: dict[int, float]
    replicates: dict[int, Floats]


def compare(
    outcomes: Sequence[Outcome],
    baseline: str,
    *,
    metric: str | None = None,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> Comparison:
    """The table of finished and failed cells, each row against the one labelled `baseline`.

    `metric` is a figure of the benchmark; None: its main one. Raises FacezooError where no cell has finished,
    the benchmark has no such figure, or cells were verified on different pairs.
    """
    results = [outcome.result for outcome in outcomes if outcome.result is not None]
    if not results:
        failure = next((outcome.failure for outcome in outcomes if outcome.failure), "")
        reason = f", the first with: {failure}" if failure else ""
        raise FacezooError(f"all {len(outcomes)} runs failed{reason}", "Mend that, then say the same again.")
    first = results[0]
    _check_same(outcomes, first)
    figure, unit = metric or first.main.name, first.main.unit
    ends = (0.0, 1.0) if unit == "%" else (-np.inf, np.inf)
    measured = {
        label: _measure([o for o in outcomes if o.cell.label == label], figure, replicates, seed)
        for label in dict.fromkeys(outcome.cell.label for outcome in outcomes)
    }
    differences = _differences(measured, baseline, ends, seed)
    rows = tuple(
        _row(label, found, [o for o in outcomes if o.cell.label == label], figure, differences, ends, seed)
        for label, found in measured.items()
    )
    method = f"{first.units.words}, {replicates:,} replicates, and t over seeds"
    return Comparison(figure, first.name, baseline, rows, method, unit)


def _check_same(outcomes: Sequence[Outcome], first: Result) -> None:
    """FacezooError where a run was verified on something else: its replicates would be of other draws."""
    where = next(outcome.folder for outcome in outcomes if outcome.result is first)
    for outcome in outcomes:
        if outcome.result is not None and not _alike(outcome.result, first):
            message = f"{outcome.folder}: was verified on other pairs than {where}"
            raise FacezooError(message, "Remove its scores.npz and evaluation.json, then say the same again.")


def _alike(one: Result, other: Result) -> bool:
    if isinstance(one, PairsResult) and isinstance(other, PairsResult):
        ours, theirs = one.scored, other.scored
        return np.array_equal(ours.same, theirs.same) and np.array_equal(ours.fold, theirs.fold)
    return (one.name, one.units, one.load) == (other.name, other.units, other.load)


def _measure(outcomes: Sequence[Outcome], figure: str, count: int, seed: int) -> _Measured:
    measured = _Measured({}, {})
    for outcome in outcomes:
        if (result := outcome.result) is not None:
            drawn = result.replicates(result.draws(count, seed))
            check_figure(result.name, figure, drawn.keys())
            measured.figures[outcome.cell.seed] = _value(result, figure)
            measured.replicates[outcome.cell.seed] = drawn[figure]
    return measured


def _value(result: Result, figure: str) -> float:
    value = result.figures[figure]
    if value is None:
        raise FacezooError(f"{result.name}: {figure} is undefined", "Compare by another figure (--metric).")
    return float(value)


def _differences(
    measured: Mapping[str, _Measured], baseline: str, ends: tuple[float, float], seed: int
) -> dict[str, Difference]:
    base = measured[baseline]
    found: dict[str, tuple[float, Floats, int]] = {}
    for label, row in measured.items():
        common = sorted(row.figures.keys() & base.figures.keys())
        if label == baseline or not common:
            continue
        figures = np.array([row.figures[s] - base.figures[s] for s in common])
        drawn = [row.replicates[s] - base.replicates[s] for s in common]
        spread = np.clip(_with_seeds(figures, drawn, seed), -ends[1], ends[1])
        found[label] = (float(figures.mean()), spread, len(common))
    p_values = [two_sided(drawn) for _, drawn, _ in found.values()]
    adjusted = holm(p_values)
    return {
        label: Difference(value, percentiles(drawn, "paired"), p, a, a < 1 - LEVEL, seeds)
        for (label, (value, drawn, seeds)), p, a in zip(found.items(), p_values, adjusted, strict=True)
    }


def _with_seeds(figures: Floats, replicates: Sequence[Floats], seed: int) -> Floats:
    """Replicates of a mean over seeds: the mean of theirs, and the error that so few seeds leave."""
    mean: Floats = np.mean(replicates, axis=0)
    if len(figures) < 2:
        return mean
    random = np.random.default_rng([seed, 1])  # not the generator of the draws
    error = np.std(figures, ddof=1) / len(figures) ** 0.5
    return mean + error * random.standard_t(len(figures) - 1, len(mean))


def _row(
    label: str,
    found: _Measured,
    outcomes: Sequence[Outcome],
    figure: str,
    differences: Mapping[str, Difference],
    ends: tuple[float, float],
    seed: int,
) -> Row:
    figures = np.array(list(found.figures.values()))
    interval = None
    if len(figures):
        drawn = _with_seeds(figures, list(found.replicates.values()), seed)
        drawn = np.clip(drawn, *ends)  # t has long tails, and a rate has ends
        interval = percentiles(drawn, "identities and seeds" if len(figures) > 1 else "identities")
    return Row(
        label=label,
        figures=found.figures,
        mean=float(figures.mean()) if len(figures) else None,
        sd=float(np.std(figures, ddof=1)) if len(figures) > 1 else None,
        interval=interval,
        untrained=_untrained(outcomes, figure),
        difference=differences.get(label),
        failures={outcome.cell.seed: outcome.failure for outcome in outcomes if outcome.failure},
    )


def _untrained(outcomes: Sequence[Outcome], figure: str) -> float | None:
    before = [
        o.evaluation["untrained"].get(figure) for o in outcomes if o.evaluation and o.evaluation["untrained"]
    ]
    return float(np.mean(before)) if before and None not in before else None
