"""docs/conformance.md lists every check of every kind, by group, in order, with its function's docstring."""

from __future__ import annotations

from importlib import import_module

import pytest

from facezoo_conformance.kinds import KINDS
from support.pages import ROOT

PAGE = ROOT / "docs" / "conformance.md"


def table(kind: str) -> str:
    """The section `The checks of a KIND`, as the checks themselves have it."""
    rules = import_module(KINDS[kind].checks).IN_ORDER
    parts = []
    for group in dict.fromkeys(rule.group for rule in rules):
        rows = [f"| `{rule.name}` | {rule.doc} |" for rule in rules if rule.group == group]
        parts.append("\n".join([f"### {group}\n", "| check | what it holds |", "|---|---|", *rows]))
    return "\n\n".join(parts)


@pytest.mark.parametrize("kind", [kind.name for kind in KINDS.values() if kind.checks])
def test_every_check_is_listed_with_its_docstring(kind: str):
    text = PAGE.read_text(encoding="utf-8")
    section = text.partition(f"## The checks of a {KINDS[kind].word}\n\n")[2].partition("\n\n## ")[0]
    listed = section[section.index("### ") :].rstrip("\n")
    assert listed == table(kind), f"expected:\n{table(kind)}"
