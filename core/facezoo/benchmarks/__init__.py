"""Benchmarks: images, and what their embeddings are worth (entry-point group `facezoo.benchmarks`).

A distribution offers a `BenchmarkSpec`. Its `open` is given where lists and images are, and returns a
`Benchmark`: images to embed, and `evaluate(embeddings)`, which returns a `Result`. Pairs are one kind of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from facezoo._lazy import lazy_names
from facezoo.benchmarks.spec import BenchmarkSpec

if TYPE_CHECKING:
    from facezoo.benchmarks.benchmark import Benchmark
    from facezoo.benchmarks.given import Given, Options
    from facezoo.benchmarks.opening import open_benchmark, open_own_benchmark, open_run_benchmark
    from facezoo.benchmarks.pairs import PairsBenchmark, PairsResult
    from facezoo.benchmarks.result import Comparison, Figures, Main, Result
    from facezoo.benchmarks.running import evaluate_embeddings, evaluate_network
    from facezoo.evaluation.bootstrap import Times
    from facezoo.evaluation.identities import Units
    from facezoo.table import Interval, Row, Table

__all__ = [
    "Benchmark",
    "BenchmarkSpec",
    "Comparison",
    "Figures",
    "Given",
    "Interval",
    "Main",
    "Options",
    "PairsBenchmark",
    "PairsResult",
    "Result",
    "Row",
    "Table",
    "Times",
    "Units",
    "evaluate_embeddings",
    "evaluate_network",
    "open_benchmark",
    "open_own_benchmark",
    "open_run_benchmark",
]

# records are read without any of these, and so without torch
__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "Benchmark": "facezoo.benchmarks.benchmark",
        "Comparison": "facezoo.benchmarks.result",
        "Figures": "facezoo.benchmarks.result",
        "Given": "facezoo.benchmarks.given",
        "Interval": "facezoo.table",
        "Main": "facezoo.benchmarks.result",
        "Options": "facezoo.benchmarks.given",
        "PairsBenchmark": "facezoo.benchmarks.pairs",
        "PairsResult": "facezoo.benchmarks.pairs",
        "Result": "facezoo.benchmarks.result",
        "Row": "facezoo.table",
        "Table": "facezoo.table",
        "Times": "facezoo.evaluation.bootstrap",
        "Units": "facezoo.evaluation.identities",
        "evaluate_embeddings": "facezoo.benchmarks.running",
        "evaluate_network": "facezoo.benchmarks.running",
        "open_benchmark": "facezoo.benchmarks.opening",
        "open_own_benchmark": "facezoo.benchmarks.opening",
        "open_run_benchmark": "facezoo.benchmarks.opening",
    },
)
