"""What the reference pages list is what there is: settings, fields, events, heads, links."""

from __future__ import annotations

import dataclasses
import inspect
import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest
import torch
from pydantic.fields import FieldInfo

from facezoo import margins
from facezoo.data import Images, SourceSpec
from facezoo.hooks import Events
from facezoo.registry import HeadSpec
from facezoo.registry.entries import HEADS, KINDS
from facezoo.settings.sections import SECTIONS
from facezoo.training.state import FREE
from support.distributions import PLUGINS, plugins_offering
from support.pages import PAGES, ROOT, name_of

POWERS = {2**63: "2^63", 10**6: "10^6", 10**9: "10^9"}
LIMITS = {"gt": ">", "ge": "≥", "lt": "<", "le": "≤"}


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def rows_of(section: str) -> Iterator[str]:
    """The rows of the table in docs/settings.md, from the section's model."""
    for key, field in SECTIONS[section].model_fields.items():
        default = "the default source" if field.is_required() else f"`{json.dumps(field.default)}`"
        yield f"| `{key}` | {default} | {admitted(field)} | {field.description} |"


def admitted(field: FieldInfo) -> str:
    if get_origin(field.annotation) is Literal:
        return ", ".join(f"`{json.dumps(choice)}`" for choice in get_args(field.annotation))
    bounds = [
        f"{sign} {POWERS.get(limit, limit)}"
        for item in field.metadata
        for name, sign in LIMITS.items()
        if (limit := getattr(item, name, None)) is not None
    ]
    words = {int: "integer", float: "number", str: "text", bool: "`true`, `false`"}
    return " ".join([words[field.annotation], ", ".join(bounds)]).strip()


@pytest.mark.parametrize("section", SECTIONS)
def test_every_setting_is_listed_with_its_default_and_range(section: str):
    page = text_of("docs/settings.md")
    table = page.partition(f"## `[{section}]`\n")[2].partition("\n## ")[0]
    rows = [line for line in table.splitlines() if line.startswith("| `")]
    assert rows == list(rows_of(section)), "expected:\n" + "\n".join(rows_of(section))


def test_what_may_change_on_resume_is_listed():
    page = text_of("docs/checkpoints.md")
    listed = page.partition("## Resuming\n")[2].partition("\n## ")[0]
    named = set(re.findall(r"`((?:data|train)\.\w+)`", listed))
    assert named == FREE


def default_of(field: dataclasses.Field[Any]) -> str:
    if field.default is not dataclasses.MISSING:
        return f"`{field.default!r}`".replace("'", '"')
    if field.default_factory is not dataclasses.MISSING:
        return f"`{field.default_factory()!r}`"
    return "required"


def test_every_field_of_the_record_is_listed_with_its_default():
    page = text_of("docs/plugins.md")
    rows = re.findall(r"^\| `(\w+)` \| (required|`[^`]*`) \|", page, re.MULTILINE)
    expected = [(field.name, default_of(field)) for field in dataclasses.fields(HeadSpec)]
    assert rows == expected


def test_every_field_of_a_sources_record_is_listed_with_its_default():
    rows = re.findall(r"^\| `(\w+)` \| (required|`[^`]*`|a function) \|", own_sources(), re.MULTILINE)
    expected = [(field.name, default_of(field)) for field in dataclasses.fields(SourceSpec)]
    assert rows[: len(expected)] == [(name, re.sub("`<.*>`", "a function", text)) for name, text in expected]


def test_everything_that_images_have_is_listed():
    public = [name for name in (*Images.__annotations__, *vars(Images)) if not name.startswith("_")]
    table = own_sources().partition("What `Images` has")[2]
    assert sorted(re.findall(r"^\| `(\w+)", table, re.MULTILINE)) == sorted(set(public))


def own_sources() -> str:
    return text_of("docs/data.md").partition("## A source of your own\n")[2].partition("\n## ")[0]


def test_every_event_is_listed_with_its_arguments():
    page = text_of("docs/plugins.md")
    events = {name: event for name, event in vars(Events).items() if not name.startswith("_")}
    for name, event in events.items():
        arguments = [parameter for parameter in inspect.signature(event).parameters if parameter != "self"]
        assert f"| `{name}({', '.join(arguments)})` |" in page
    assert len(re.findall(r"^\| `\w+\([\w, ]*\)` \|", page, re.MULTILINE)) == len(events)


@pytest.mark.parametrize("group", KINDS)
def test_every_entry_point_group_is_named(group: str):
    assert f"`{group}`" in text_of("docs/plugins.md")


def test_the_table_of_margins_is_what_they_compute():
    rows = re.findall(r"^\| (\d.*) \|$", text_of("docs/margins.md"), re.MULTILINE)
    assert len(rows) == 4
    for row in rows:
        angle, cosine, *cells = row.split(" | ")
        assert cosine == f"{math.cos(float(angle)):.4f}"
        choices = [{"past_pi": choice} for choice in ("penalty", "clamp", "none", "continue")]
        assert cells == [_margined(float(angle), **choice) for choice in [*choices, {"gradient": "detached"}]]


def _margined(angle: float, **choice: Any) -> str:
    cos = torch.tensor(math.cos(angle), dtype=torch.float64, requires_grad=True)
    value = margins.combined(cos, 0.5, **choice)
    (slope,) = torch.autograd.grad(value, cos)
    return f"{value.item():.4f}, {abs(slope.item()) if slope == 0 else slope.item():.3f}"


def test_what_the_readme_says_of_a_step_is_what_was_measured():
    rows = re.findall(
        r"^\| \w+ \| (recomputed|kept)[^|]* \| ([\d.]+) \|", text_of("docs/benchmarks.md"), re.MULTILINE
    )
    assert len(rows) == 3 * len(plugins_offering(HEADS))
    trainer, library = (
        [float(ratio) for found, ratio in rows if found == mode] for mode in ("kept", "recomputed")
    )
    text = " ".join(text_of("README.md").split())
    assert f"{min(trainer):.1f} to {max(trainer):.1f} in the trainer" in text
    assert f"{min(library):.1f} to {max(library):.1f} in a loop of your own" in text


def test_the_readme_lists_every_head_and_no_other():
    listed = re.findall(r"^\| \[`(\w+)`\]\(plugins/(\w+)/README\.md\) \|", text_of("README.md"), re.MULTILINE)
    assert listed == [(name, name) for name in plugins_offering(HEADS)]


def test_the_readme_lists_every_other_distribution():
    listed = re.findall(
        r"^\| \[`facezoo-(\w+)`\]\(plugins/(\w+)/README\.md\) \|", text_of("README.md"), re.MULTILINE
    )
    others = sorted({path.parent.name for path in PLUGINS} - set(plugins_offering(HEADS)))
    assert listed == [(name, name) for name in others]


def test_the_index_lists_every_page():
    listed = set(re.findall(r"\]\(([\w-]+\.md)\)", text_of("docs/README.md")))
    assert listed == {path.name for path in (ROOT / "docs").glob("*.md")} - {"README.md"}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path):
    for target in re.findall(r"\]\(([^)]+)\)", page.read_text(encoding="utf-8")):
        if not target.startswith("https://"):
            path, _, anchor = target.partition("#")
            where = page.parent / path if path else page
            assert where.exists(), target
            assert not anchor or anchor in anchors(where), target


def anchors(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def test_every_test_that_stands_for_a_promise_is_there():
    places = r"(?:core|cli|end_to_end|soak|plugins/\w+/tests)"
    named = re.findall(rf"`({places}/[\w/]+\.py)(?:::(\w+))?`", text_of("docs/reliability.md"))
    assert len(named) > 30
    for path, test in named:
        where = path if path.startswith("plugins/") else f"tests/{path}"
        assert not test or f"def {test}(" in text_of(where), f"{path}::{test}"
        assert (ROOT / where).is_file(), path
