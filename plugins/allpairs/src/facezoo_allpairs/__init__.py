"""All images of a set against all others, as a benchmark of facezoo."""

from __future__ import annotations

from typing import Final

from facezoo.benchmarks import BenchmarkSpec

spec: Final = BenchmarkSpec(
    name="all-pairs",
    summary="every image against every other; identities are folders, and no list is needed",
    open="facezoo_allpairs.benchmark:open_all_pairs",
)
