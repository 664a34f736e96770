"""Angles within and between identities, as a benchmark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from facezoo.benchmarks import Given, Main, Result, Row, Table, Times, Units
from facezoo.benchmarks.labelled import LabelledBenchmark, left_out_notes
from facezoo.errors import FacezooError
from facezoo.evaluation.enrolment import settle
from facezoo.table import number
from facezoo_uniform.angles import Geometry, geometry

Floats = npt.NDArray[np.float64]


def open_geometry(given: Given) -> GeometryBenchmark:
    """The identities of a folder, or of embeddings whose images' nearest folders are their identities."""
    if given.options.failed == "reject":
        message = "--failed reject: an image that failed to enrol has no angle to others"
        raise FacezooError(message, "Say --failed drop, which leaves such images out.")
    found = given.faces("geometry")
    return GeometryBenchmark(given.name_of(found.images), found, given.options)


class GeometryBenchmark(LabelledBenchmark):
    """Images of identities, whoever they are."""

    def evaluate(self, embeddings: npt.NDArray[np.floating]) -> GeometryResult:
        """See `Benchmark`. Images that failed to enrol have no angles: they are left out, or refused."""
        failing = settle(self.name, embeddings, self.images.names, self.options.failed)
        found = geometry(embeddings[~failing], self.labelled.labels[~failing])
        left_out = self.labelled.left_out
        return GeometryResult(self.name, replace(found, failed=int(failing.sum()), files_left_out=left_out))


class GeometryResult(Result):
    """Angles, ranked by the criterion. A replicate weighs the classes by how often each is drawn."""

    def __init__(self, name: str, found: Geometry) -> None:
        self.name, self.geometry = name, found
        self.units = Units(found.classes)

    @property
    def main(self) -> Main:
        """The share of classes that meet the criterion."""
        return Main("criterion", self.geometry.criterion)

    @property
    def figures(self) -> Mapping[str, Any]:
        """See `Result`."""
        return self.geometry.as_dict()

    @property
    def table(self) -> Table:
        """See `Result`."""
        found = self.geometry
        below = left_out_notes(found.failed, found.files_left_out, "which are left out")
        return angles_table(found, list(below))

    def weighted(self, times: Times) -> Mapping[str, Floats]:
        """The criterion; see `Result`. Nobody's nearest stranger changes with who is drawn."""
        met, judged = np.array(self.geometry.met, np.float64), np.array(self.geometry.judges, np.float64)
        with np.errstate(invalid="ignore", divide="ignore"):
            return {"criterion": (met @ times) / (judged @ times)}

    def as_dict(self) -> dict[str, Any]:
        """See `Result`."""
        return {"geometry": self.geometry.as_dict()}


def angles_table(found: Geometry, below: Sequence[str] = ()) -> Table:
    """How embeddings lie."""
    rows = [
        Row("one identity, greatest", found.intra_max, unit="degrees"),
        Row("one identity, mean", found.intra_mean, unit="degrees"),
        Row("two identities, mean", found.inter_mean, unit="degrees"),
        Row("two identities, smallest", found.inter_min, unit="degrees"),
    ]
    criterion = (
        f"{number(found.criterion)} % of {found.judged:,} identities have no angle within "
        "as great as the smallest to another"
    )
    title = f"angles between embeddings: {found.images:,} images of {found.classes:,} identities"
    return Table(title, rows, ("degrees", "figure"), notes=[criterion, *below])
