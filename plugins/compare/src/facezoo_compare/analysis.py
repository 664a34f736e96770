"""What the figures of several runs show: means, spreads, intervals, and paired differences.

Two things vary: who happens to be in the test set, and how training happens to go. The first comes from
drawing the test's identities anew, the same draw for every run; the second from the spread over seeds, whose
mean has the error SD / sqrt(S), distributed as t with S - 1 degrees of freedom. Replicates here are the sum.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from facezoo.errors import FacezooError
from facezoo.evaluation.bootstrap import REPLICATES, replicate
from facezoo.evaluation.curves import area_under_curve
from facezoo.evaluation.intervals import LEVEL, Interval, holm, percentiles, two_sided
from facezoo.evaluation.scoring import ScoredPairs
from facezoo.evaluation.verification import equal_error_rate, figures_of
from facezoo_compare.running import Outcome

Metric = Literal["accuracy", "auc", "eer"]
Floats = npt.NDArray[np.float64]
METRICS: Final[tuple[Metric, ...]] = ("accuracy", "auc", "eer")


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
    """One row: the figure of each seed (as fractions), their mean and spread, and what failed.

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
    """The table of a comparison."""

    metric: Metric
    pairs: str
    baseline: str
    rows: tuple[Row, ...]
    method: str

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
    metric: Metric = "accuracy",
    replicates: int = REPLICATES,
    seed: int = 0,
) -> Comparison:
    """The table of finished and failed cells, each row against the one labelled `baseline`.

    Raises FacezooError where no cell has finished, or cells were verified on different pairs.
    """
    finished = [outcome for outcome in outcomes if outcome.scored is not None]
    if not finished:
        first = next(iter(outcomes), None)
        reason = f", the first with: {first.failure}" if first and first.failure else ""
        raise FacezooError(f"all {len(outcomes)} runs failed{reason}", "Mend that, then say the same again.")
    first_scored = finished[0].scored
    assert first_scored is not None
    _check_same_pairs(finished, first_scored)
    measured = {
        label: _measure([o for o in finished if o.cell.label == label], metric, replicates, seed)
        for label in dict.fromkeys(outcome.cell.label for outcome in outcomes)
    }
    differences = _differences(measured, baseline, seed)
    rows = tuple(
        _row(
            label, found, [o for o in outcomes if o.cell.label == label], metric, differences.get(label), seed
        )
        for label, found in measured.items()
    )
    method = f"{first_scored.drawn.words}, {replicates:,} replicates, and t over seeds"
    return Comparison(metric, first_scored.name, baseline, rows, method)


def _check_same_pairs(finished: Sequence[Outcome], first: ScoredPairs) -> None:
    for outcome in finished:
        scored = outcome.scored
        if scored is not None and not (
            np.array_equal(scored.same, first.same) and np.array_equal(scored.fold, first.fold)
        ):
            message = f"{outcome.folder}: was verified on other pairs than {finished[0].folder}"
            raise FacezooError(message, "Remove its scores.npz and evaluation.json, then say the same again.")


def _measure(outcomes: Sequence[Outcome], metric: Metric, count: int, seed: int) -> _Measured:
    measured = _Measured({}, {})
    for outcome in outcomes:
        scored = outcome.scored
        assert scored is not None
        measured.figures[outcome.cell.seed] = _figure(scored, metric)
        drawn = replicate(scored.scores, scored.same, scored.fold, scored.drawn, count=count, seed=seed)
        measured.replicates[outcome.cell.seed] = getattr(drawn, metric)
    return measured


def _figure(scored: ScoredPairs, metric: Metric) -> float:
    if metric == "accuracy":
        # whatever the AUC: a run that failed to learn is a row of the table, too
        return figures_of(scored.scores, scored.same, scored.fold).accuracy
    rate = {"auc": area_under_curve, "eer": equal_error_rate}[metric](scored.scores, scored.same)
    if rate is None:
        raise FacezooError(f"{scored.name}: {metric} needs genuine and impostor pairs", "Compare accuracies.")
    return rate


def _differences(measured: Mapping[str, _Measured], baseline: str, seed: int) -> dict[str, Difference]:
    base = measured[baseline]
    found: dict[str, tuple[float, Floats, int]] = {}
    for label, row in measured.items():
        common = sorted(row.figures.keys() & base.figures.keys())
        if label == baseline or not common:
            continue
        figures = np.array([row.figures[s] - base.figures[s] for s in common])
        drawn = [row.replicates[s] - base.replicates[s] for s in common]
        found[label] = (float(figures.mean()), np.clip(_with_seeds(figures, drawn, seed), -1, 1), len(common))
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
    metric: Metric,
    difference: Difference | None,
    seed: int,
) -> Row:
    figures = np.array(list(found.figures.values()))
    interval = None
    if len(figures):
        drawn = _with_seeds(figures, list(found.replicates.values()), seed)
        drawn = np.clip(drawn, 0, 1)  # t has long tails, and a rate has ends
        interval = percentiles(drawn, "identities and seeds" if len(figures) > 1 else "identities")
    return Row(
        label=label,
        figures=found.figures,
        mean=float(figures.mean()) if len(figures) else None,
        sd=float(np.std(figures, ddof=1)) if len(figures) > 1 else None,
        interval=interval,
        untrained=_untrained(outcomes, metric),
        difference=difference,
        failures={outcome.cell.seed: outcome.failure for outcome in outcomes if outcome.failure},
    )


def _untrained(outcomes: Sequence[Outcome], metric: Metric) -> float | None:
    before = [
        o.evaluation["untrained"][metric] for o in outcomes if o.evaluation and o.evaluation["untrained"]
    ]
    return float(np.mean(before)) if before and None not in before else None
