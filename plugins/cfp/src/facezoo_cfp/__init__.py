"""CFP-FF and CFP-FP, frontal and profile faces, as benchmarks of facezoo."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from facezoo.benchmarks import BenchmarkSpec


def is_cfp(root: Path) -> bool:
    """Whether a folder has CFP's layout."""
    return (root / "Protocol" / "Split").is_dir()


ff: Final = BenchmarkSpec(
    name="cfp-ff",
    summary="CFP-FF: 7,000 pairs of two frontal images, in ten folds",
    open="facezoo_cfp.layout:open_ff",
    claims=is_cfp,
)
fp: Final = BenchmarkSpec(
    name="cfp-fp",
    summary="CFP-FP: 7,000 pairs of a frontal and a profile image, in ten folds",
    open="facezoo_cfp.layout:open_fp",
    claims=is_cfp,
)
