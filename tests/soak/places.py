"""Where faults are planted, and which tests are to notice them."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = ("engine", "training", "runs", "evaluation", "benchmarks", "data")
DISTRIBUTIONS = ("allpairs", "cfp", "datacheck", "embed", "insightface", "orl", "uniform")
# what was moved out of the core and is as delicate
_PLUGINS = [ROOT / "plugins" / name for name in DISTRIBUTIONS if (ROOT / "plugins" / name).is_dir()]

HOMES = [ROOT / "core", *(plugin / "src" for plugin in _PLUGINS)]
"""What modules' names start from."""
FOLDERS = [*(ROOT / "core" / "facezoo" / room for room in ROOMS), *HOMES[1:]]
PACKAGES = ["facezoo", *(f"facezoo_{plugin.name}" for plugin in _PLUGINS)]
TESTS = [
    "tests/core",
    "tests/cli",
    "tests/end_to_end",
    *(f"plugins/{plugin.name}/tests" for plugin in _PLUGINS),
]


def parts_of(file: str) -> tuple[str, ...]:
    """The parts of the name of the module in `file`, a path from the root; the last may be `__init__`."""
    path = ROOT / file
    (home,) = [home for home in HOMES if path.is_relative_to(home)]
    return path.relative_to(home).with_suffix("").parts
