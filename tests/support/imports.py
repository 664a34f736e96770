"""What source files import, read and not run."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path


def imports(folder: Path) -> Iterator[tuple[Path, str]]:
    """Every module that the sources in `folder` import, wherever the statement stands."""
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from ((path, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield path, node.module


def packages(folder: Path) -> set[str]:
    """The packages of these modules: the part before the first dot."""
    return {module.split(".")[0] for _, module in imports(folder)}
