"""What distributions import of facezoo: docs/plugins.md says which names are public."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.distributions import PLUGINS

ROOT = Path(__file__).parents[2]
RELEASED_TOGETHER = {"_cut", "_lazy", "_version", "_words"}
"""Modules that the distributions in this repository use, too: they change with the core."""


def imported(folder: Path) -> Iterator[str]:
    """Every dotted name that the sources in `folder` import."""
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("plugin", [path.parent for path in PLUGINS], ids=lambda plugin: plugin.name)
def test_a_distribution_imports_public_names_alone(plugin: Path):
    of_core = [name.split(".")[1:] for name in imported(plugin / "src") if name.startswith("facezoo.")]
    private = {part for parts in of_core for part in parts if part.startswith("_") and part != "__version__"}
    assert private <= RELEASED_TOGETHER
