"""Uniform classification accuracy, and the angles within and between identities, as benchmarks of facezoo."""

from __future__ import annotations

from pathlib import Path
from typing import Final
from zipfile import BadZipFile, ZipFile

from facezoo.benchmarks import BenchmarkSpec


def holds_scores(path: Path) -> bool:
    """Whether a file is an npz with a classifier's `score` and `label`."""
    try:
        with ZipFile(path) as archive:
            return {"score.npy", "label.npy"} <= set(archive.namelist())
    except (OSError, BadZipFile):
        return False


uniform: Final = BenchmarkSpec(
    name="uniform",
    summary="whether one threshold tells images of the training identities apart",
    open="facezoo_uniform.classification:open_uniform",
    claims=holds_scores,
)
geometry: Final = BenchmarkSpec(
    name="geometry",
    summary="angles within and between identities",
    open="facezoo_uniform.angles_benchmark:open_geometry",
)
