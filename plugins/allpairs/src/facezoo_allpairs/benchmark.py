"""Every image against every other: verification of a set that has no list of pairs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from facezoo.benchmarks.given import Given, Labelled, Options
from facezoo.benchmarks.labelled import LabelledBenchmark, left_out_notes
from facezoo.benchmarks.result import Comparison, Curve, Main, Result
from facezoo.errors import FacezooError
from facezoo.evaluation.assessment import FARS, supported
from facezoo.evaluation.bootstrap import Times
from facezoo.evaluation.enrolment import settle, units_but
from facezoo.evaluation.identities import Units
from facezoo.evaluation.intervals import Interval, percentiles
from facezoo.evaluation.operating import OperatingPoint, lowest_far
from facezoo.table import Row, Table
from facezoo_allpairs.crossing import cross
from facezoo_allpairs.figures import Weighed
from facezoo_allpairs.points import points_of

Floats = npt.NDArray[np.float64]


def open_all_pairs(given: Given) -> AllPairs:
    """All pairs of a source's images (`path` or `data`), or of embeddings; see `Given.faces`."""
    found = given.faces("all-pairs")
    pairs = np.bincount(found.labels)
    if len(pairs) < 2 or not (pairs > 1).any():
        message = f"{given.name_of(found.images)}: {len(pairs):,} identities, none or one with several images"
        raise FacezooError(message, "All pairs need genuine and impostor ones.")
    return AllPairs(given.name_of(found.images), found, given.options)


class AllPairs(LabelledBenchmark):
    """Images of identities, of which all pairs are judged."""

    def evaluate(self, embeddings: npt.NDArray[np.floating]) -> AllPairsResult:
        """See `Benchmark`. Scores are computed in blocks, and never held all at once."""
        return AllPairsResult(self.name, embeddings, self.labelled, self.options)


class AllPairsResult(Result):
    """The figures of all pairs: AUC, EER, and TAR at the rates that the impostor pairs support."""

    def __init__(
        self, name: str, rows: npt.NDArray[np.floating], labelled: Labelled, options: Options
    ) -> None:
        failing = settle(name, rows, labelled.images.names, options.failed)
        self.name, self.options = name, options
        self.left_out, self.failed = labelled.left_out, int(failing.sum())
        self._paths = [
            path for path, out in zip(labelled.images.names, failing.tolist(), strict=True) if not out
        ]
        self._rows = units_but(rows, failing)[~failing]
        labels = labelled.labels if options.failed == "reject" else labelled.labels[~failing]
        used, codes = np.unique(labels, return_inverse=True)
        self._codes = np.searchsorted(used, labelled.labels[~failing])
        self.units = Units(len(used))
        self.images = np.bincount(codes, minlength=len(used))
        enrolled = np.bincount(self._codes, minlength=len(used))
        self.weighed = Weighed(cross(self._rows, self._codes), self.images, enrolled)
        if not self.weighed.genuine or not self.weighed.impostors:
            message = f"{name}: no genuine or no impostor pair is left"
            raise FacezooError(message, "Give at least two identities, one with several images.")

    @property
    def fars(self) -> tuple[float, ...]:
        """The rates that were asked for, or the usual ones as far as they are supported."""
        return self.options.fars or supported(FARS, self.weighed.impostors)

    @cached_property
    def points(self) -> list[OperatingPoint]:
        """The operating point of each rate; FacezooError where one that was asked for is not supported."""
        return points_of(self.weighed, self._rows, self._codes, self.fars, must=self.options.fars is not None)

    @property
    def main(self) -> Main:
        """TAR at the first rate that was asked for; at FAR 1e-3, or the lowest above it that is supported."""
        asked = [self.options.fars[0]] if self.options.fars else [far for far in self.fars if far >= 1e-3]
        name = f"tar@far {asked[-1]:g}" if asked else "auc"
        return Main(name, self.figures[name])

    @cached_property
    def figures(self) -> Mapping[str, Any]:
        """See `Result`."""
        found = self.weighted(np.ones((self.units.count, 1), np.int64))
        return {name: float(value[0]) for name, value in found.items()}

    @property
    def load(self) -> int:
        """See `Result`."""
        return (
            len(self.weighed.crossed.genuine) + len(self.weighed.crossed.held)
        ) // 4  # few passes over each

    def weighted(self, times: Times) -> Mapping[str, Floats]:
        """See `Result`, and `facezoo_allpairs.figures` for what is exact."""
        return self.weighed.figures(times, self.fars)

    @cached_property
    def intervals(self) -> Mapping[str, Interval | None]:
        """The interval of each figure; none without replicates."""
        if not self.options.replicates:
            return dict.fromkeys(self.figures)
        drawn = self.replicates(self.draws(self.options.replicates, self.options.seed))
        return {name: percentiles(values, self.method) for name, values in drawn.items()}

    @property
    def method(self) -> str:
        """What the intervals rest on."""
        if not self.options.replicates:
            return "none"
        return f"{self.units.words}, {self.options.replicates:,} replicates"

    @property
    def table(self) -> Table:
        """See `Result`."""
        pairs = f"{self.weighed.genuine:,} genuine and {self.weighed.impostors:,} impostor pairs"
        images = f"all pairs of {int(self.images.sum()):,} images of {self.units.count:,} identities"
        return Table(
            f"{self.name}: {images}: {pairs}", list(self._rows_of_table()), notes=list(self._notes())
        )

    def curves(self) -> Mapping[str, Curve]:
        """The ROC at every genuine score, a stair."""
        crossed, steps = self.weighed.crossed, np.arange(len(self.weighed.crossed.genuine))
        accepted = (len(crossed.whose) - crossed.first[steps])[::-1]
        far, tar = crossed.least[::-1] / self.weighed.impostors, accepted / self.weighed.genuine
        return {"ROC": (np.concatenate([[0.0], far, [1.0]]), np.concatenate([[0.0], tar, [1.0]]))}

    def worst(self, count: int) -> Sequence[Comparison]:
        """The impostor pairs with the greatest scores, by their images' names."""
        least = self.weighed.crossed.held[:count][-1]
        found = []
        for start in range(0, len(self._rows), 1024):
            scores = self._rows[start : start + 1024] @ self._rows.T
            for a, b in zip(*np.nonzero(scores >= least - 1e-12), strict=True):
                if self._codes[start + a] != self._codes[b] and start + a < b:
                    score = float(scores[a, b])
                    found.append(Comparison(self._paths[start + a], self._paths[b], score, same=False))
        return sorted(found, key=lambda pair: -pair.score)[:count]

    def as_dict(self) -> dict[str, Any]:
        """See `Result`."""
        intervals = {name: found and found.as_dict() for name, found in self.intervals.items()}
        points = [
            {**point.as_dict(), "interval": intervals[f"tar@far {point.far:g}"]} for point in self.points
        ]
        return {
            "all_pairs": self.name,
            "images": int(self.images.sum()),
            "identities": self.units.count,
            "genuine": self.weighed.genuine,
            "impostor": self.weighed.impostors,
            "failed": self.failed,
            "left_out": self.left_out,
            "auc": self.figures["auc"],
            "eer": self.figures["eer"],
            "intervals": {name: intervals[name] for name in ("auc", "eer")},
            "tar_at_far": points,
            "lowest_far": self.lowest,
            "method": self.method,
        }

    @property
    def lowest(self) -> float | None:
        """The lowest FAR that the impostor pairs support."""
        return lowest_far(self.weighed.impostors)

    def _rows_of_table(self) -> Iterator[Row]:
        yield Row("AUC", self.figures["auc"], self.intervals["auc"])
        yield Row("EER", self.figures["eer"], self.intervals["eer"])
        for point in self.points:
            interval = self.intervals[f"tar@far {point.far:g}"]
            yield Row(f"TAR@FAR {point.far:g}", point.tar, interval, note=point.words)

    def _notes(self) -> Iterator[str]:
        became = "whose pairs are rejected" if self.options.failed == "reject" else "which are left out"
        yield from left_out_notes(self.failed, self.left_out, became)
        yield f"intervals: {self.method}"
        if self.lowest is not None:
            impostors = f"{self.weighed.impostors:,} impostor pairs"
            yield f"lowest FAR: {self.lowest:.2g}, which 10 of the {impostors} reach"
