"""Uniform classification accuracy: how well one threshold tells every class from all others.

Zhou et al., "UniFace: Unified Cross-Entropy Loss for Deep Face Recognition" (ICCV 2023), and Li et al.,
"Rediscovering BCE Loss for Uniform Classification" (arXiv 2403.07289). A sample has the metric p of its own
class and n, the largest of the others. It is told apart by a threshold t where n < t <= p.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from facezoo.errors import FacezooError
from facezoo.evaluation import arguments
from facezoo.evaluation.between import between

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class UniformAccuracy:
    """Shares of the samples told apart: `uni` by one threshold for all, `by_class` by the best threshold of
    each class, `by_sample` by one of its own (ordinary accuracy, ties counted as wrong).

    uni <= by_class <= by_sample. `threshold` is the middle of (`low`, `high`], the interval whose thresholds
    all give `uni` (the widest, and the lowest of several as wide); None where nothing is told apart. `low` is
    None where it is -inf. `learned` is the threshold that the loss learned, on the same scale, and `gap` =
    |threshold - learned|. `failed` of the samples failed to enrol, and are told apart by no threshold.
    """

    uni: float
    by_class: float
    by_sample: float
    threshold: float | None
    low: float | None
    high: float | None
    samples: int
    classes: int
    learned: float | None = None
    failed: int = 0

    @property
    def gap(self) -> float | None:
        """How far the learned threshold is from the best one."""
        if self.learned is None or self.threshold is None:
            return None
        return abs(self.threshold - self.learned)

    def as_dict(self) -> dict[str, Any]:
        """The figures as they are written to JSON."""
        return {**asdict(self), "gap": self.gap}


def uniform_accuracy(
    own: npt.ArrayLike,
    other: npt.ArrayLike,
    labels: npt.ArrayLike,
    learned: float | None = None,
    *,
    failed: npt.ArrayLike | None = None,
) -> UniformAccuracy:
    """Uniform accuracy from each sample's metric of its `own` class [M], the largest of the `other` classes
    [M] (-inf where there is none) and its class [M]; exact in O(M log M).

    `failed` bool [M] are samples that failed to enrol: no threshold tells them apart, whatever their metrics.
    Raises FacezooError for other shapes, where there is no sample, and where another metric is NaN or
    infinite.
    """
    p, n = arguments.metrics("own", own), arguments.metrics("other", other)
    arguments.together(own=p, other=n)
    classes = np.unique(arguments.labels(labels, len(p)), return_inverse=True)[1]
    learned = None if learned is None else arguments.number("learned", learned)
    failing = arguments.failures(failed, p)
    out = np.zeros(len(p), np.bool_) if failing is None else failing
    wrong = ~out & (~np.isfinite(p) | np.isnan(n) | np.isposinf(n))
    if not len(p) or wrong.any():
        found = f"{int(wrong.sum()):,} have metrics that are no numbers"
        message = f"uniform accuracy of {len(p):,} samples, of which {found}"
        raise FacezooError(message, "Give at least one sample, and metrics that are finite.")
    apart = (n < p) & ~out
    ends, starts = p[apart].astype(np.float64), n[apart].astype(np.float64)
    uni, low, high = _one_threshold(ends, starts)
    by_class = _threshold_a_class(ends, starts, classes[apart])
    return UniformAccuracy(
        uni=uni / len(p),
        by_class=by_class / len(p),
        by_sample=int(apart.sum()) / len(p),
        threshold=None if low is None or high is None else float(between(low, high)),
        low=low if low is None or np.isfinite(low) else None,
        high=high,
        samples=len(p),
        classes=int(classes.max()) + 1,
        learned=learned,
        failed=int(out.sum()),
    )


def replicates(
    own: Floats, other: Floats, classes: npt.NDArray[np.int64], times: npt.NDArray[np.integer[Any]]
) -> dict[str, Floats]:
    """The three shares where the classes weigh `times` [classes, r], float64 [r] each.

    Samples that failed to enrol have the metric -inf of their own class.
    """
    weight = times[classes].astype(np.float64)
    apart = other < own
    values = np.concatenate([other[apart], own[apart]])
    order = np.argsort(values, kind="stable")
    change = np.concatenate([weight[apart], -weight[apart]])[order]
    last = np.append(np.diff(values[order]) > 0, True)
    best = np.cumsum(change, axis=0)[last].max(0, initial=0) if len(values) else 0 * weight[:1].sum(0)
    of_class = np.array(
        [
            _one_threshold(own[apart & (classes == c)], other[apart & (classes == c)])[0]
            for c in range(len(times))
        ]
    )
    with np.errstate(invalid="ignore"):
        shares = {"uni": best, "by_class": of_class @ times, "by_sample": weight[apart].sum(0)}
        return {name: right / weight.sum(0) for name, right in shares.items()}


def _one_threshold(own: Floats, other: Floats) -> tuple[int, float | None, float | None]:
    """The most samples that any t tells apart, and the ends of the widest (low, high] of such t."""
    if not len(own):
        return 0, None, None
    values, running = _running(own, other, np.zeros(len(own), np.int64))[:2]
    best = running == running.max()  # holds between a value and the next
    starts = np.flatnonzero(best & ~np.append(False, best[:-1]))
    ends = np.flatnonzero(best & ~np.append(best[1:], False)) + 1  # the last count is 0, so never the best
    widest = int(np.argmax(values[ends] - values[starts]))
    return int(running.max()), float(values[starts[widest]]), float(values[ends[widest]])


def _threshold_a_class(own: Floats, other: Floats, classes: npt.NDArray[np.int64]) -> int:
    """Samples told apart if every class has its best threshold."""
    if not len(own):
        return 0
    _, running, owner = _running(own, other, classes)
    begins = np.flatnonzero(np.append(True, np.diff(owner) > 0))
    return int(np.maximum.reduceat(running, begins).sum())


def _running(
    own: Floats, other: Floats, classes: npt.NDArray[np.int64]
) -> tuple[Floats, npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Distinct values class by class, how many samples the thresholds just above each tell apart, and the
    class of each. All samples of a class have ended at its greatest value, so the count begins anew.
    """
    values = np.concatenate([other, own])
    change = np.repeat(np.array([1, -1]), len(own))
    owner = np.concatenate([classes, classes])
    order = np.lexsort((values, owner))
    values, owner, running = values[order], owner[order], np.cumsum(change[order])
    # all events of one value count together: only the last of them is a state
    last = np.append((values[1:] != values[:-1]) | (owner[1:] != owner[:-1]), True)
    return values[last], running[last], owner[last]
