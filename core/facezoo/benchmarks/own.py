"""facezoo's own benchmarks, found as every other is: by their entry points."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from facezoo.benchmarks.spec import BenchmarkSpec


def _is_lfw(path: Path) -> bool:
    from facezoo.benchmarks.listed import form_at  # NumPy comes with it

    return form_at(path) == "lfw"


def _is_list(path: Path) -> bool:
    from facezoo.benchmarks.listed import form_at

    return form_at(path) == "csv"


lfw: Final = BenchmarkSpec(
    name="lfw",
    summary="LFW's lists: pairs.txt (View 2, in its ten folds) and View 1",
    open="facezoo.benchmarks.listed:open_lfw",
    claims=_is_lfw,
)
csv: Final = BenchmarkSpec(
    name="csv",
    summary="any other list of pairs: CSV in its dialects, CALFW's and CPLFW's",
    open="facezoo.benchmarks.listed:open_csv",
    claims=_is_list,
)
