"""What the author of a benchmark declares: a record without torch, named in `facezoo.benchmarks`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


def _nothing(path: Path) -> bool:
    return False


@dataclass(frozen=True, kw_only=True)
class BenchmarkSpec:
    """One benchmark, as its entry point offers it. The module that holds the record must not import torch."""

    name: str
    """The same as the entry point's."""

    summary: str
    """What it measures, in one line."""

    open: str
    """`"package.module:function"`, called as `function(given)` with a `Given`; returns a `Benchmark`."""

    claims: Callable[[Path], bool] = _nothing
    """Whether a path holds what this benchmark reads, so that it need not be named. It reads little."""
