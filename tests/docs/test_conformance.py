"""docs/conformance.md lists every check, by group and in order, with the docstring of its function."""

from __future__ import annotations

from facezoo_conformance.kit import IN_ORDER
from support.pages import ROOT

PAGE = ROOT / "docs" / "conformance.md"


def table() -> str:
    """The section `The checks`, as the checks themselves have it."""
    parts = []
    for group in dict.fromkeys(rule.group for rule in IN_ORDER):
        rows = [f"| `{rule.name}` | {rule.doc} |" for rule in IN_ORDER if rule.group == group]
        parts.append("\n".join([f"### {group}\n", "| check | what it holds |", "|---|---|", *rows]))
    return "\n\n".join(parts)


def test_every_check_is_listed_with_its_docstring():
    text = PAGE.read_text(encoding="utf-8")
    listed = text.partition("## The checks\n\n")[2].partition("\n\n## ")[0]
    assert listed == table(), f"expected:\n{table()}"
