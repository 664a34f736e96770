"""`facezoo show-head NAME`: what a head's record declares. Imports the record, not torch."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from facezoo._words import printable, shown
from facezoo_cli.completing import HEAD
from facezoo_cli.options import as_json
from facezoo_cli.output import say, say_json

if TYPE_CHECKING:
    from facezoo.registry import LoadedHead

# JSON Schema's words for a range, in the order in which they are read out
_RANGE = {
    "exclusiveMinimum": ">",
    "minimum": ">=",
    "exclusiveMaximum": "<",
    "maximum": "<=",
    "multipleOf": "of",
}


@click.command("show-head")
@click.argument("name", type=HEAD)
@click.option("--json-schema", is_flag=True, help="Print the JSON Schema of its settings, and nothing else.")
@as_json("Print all that its record declares, as one object.")
def command(name: str, json_schema: bool, as_json: bool) -> None:
    """Show a head's settings, presets and source.

    NAME is a head, or DIST:NAME where two distributions offer the same name.
    """
    from facezoo.registry import load_head

    head = load_head(name)
    if json_schema:
        say_json(head.schema())
        return
    if as_json:
        say_json(_record(head))
        return
    say("\n".join(lines_of(head)))
    say(f"facezoo train --head {name} --set head.KEY=VALUE")


def _record(head: LoadedHead) -> dict[str, Any]:
    spec, entry = head.spec, head.entry
    presets = spec.presets.items()
    return {
        "name": spec.name,
        "dist": entry.dist,
        "version": entry.version,
        "summary": spec.summary,
        "revision": spec.revision,
        "paper": spec.paper,
        "tags": list(spec.tags),
        "properties": sorted(spec.properties),
        "expected_failures": dict(spec.expected_failures),
        "presets": {name: {key: _plain(value) for key, value in values.items()} for name, values in presets},
        "settings": head.schema(),
    }


def _plain(value: object) -> object:
    """The value, or where that is no JSON what Python shows."""
    try:
        json.dumps(value)
    except (TypeError, ValueError, RecursionError):
        return shown(value)
    return value


def lines_of(head: LoadedHead) -> Iterator[str]:
    """Everything about a head: its record, its settings, its presets, with an empty line behind each."""
    for section in (_about(head), _settings(head.schema()), _presets(head.spec.presets)):
        lines = [printable(line) for line in section]
        yield from (*lines, "") if lines else ()


def _about(head: LoadedHead) -> Iterator[str]:
    spec, entry = head.spec, head.entry
    yield f"{spec.name}: {spec.summary}"
    facts = {
        "distribution": f"{entry.dist} {entry.version}",
        "revision": str(spec.revision),
        "paper": spec.paper,
        "tags": ", ".join(spec.tags),
        "properties": ", ".join(sorted(spec.properties)),
    }
    yield from (f"  {key:<12}  {value}" for key, value in facts.items() if value)
    for check, reason in spec.expected_failures.items():
        yield f"  expected to fail {check}: {reason}"


def _settings(schema: Mapping[str, Any]) -> Iterator[str]:
    rows = [_row(name, field, schema) for name, field in schema.get("properties", {}).items()]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
    yield "Settings" if rows else "It has no settings."
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        yield f"  {'  '.join([*cells, row[3]])}".rstrip()


def _row(name: str, field: Mapping[str, Any], schema: Mapping[str, Any]) -> tuple[str, str, str, str]:
    default = _value(field["default"]) if "default" in field else "(must be set)"
    return name, default, _admitted(field, schema), field.get("description", "")


def _admitted(field: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """What a setting may be, in a few words: its type with its range, or its choices."""
    if "$ref" in field:
        field = schema.get("$defs", {}).get(str(field["$ref"]).rpartition("/")[2], {})
    if "anyOf" in field:
        return " or ".join(_admitted(member, schema) for member in field["anyOf"])
    if "const" in field:
        return json.dumps(field["const"])
    if "enum" in field:
        return " | ".join(json.dumps(choice) for choice in field["enum"])
    limits = [f"{sign} {field[word]}" for word, sign in _RANGE.items() if word in field]
    return " ".join([str(field.get("type", "any")), ", ".join(limits)]).strip()


def _presets(presets: Mapping[str, Mapping[str, object]]) -> Iterator[str]:
    if presets:
        yield "Presets"
    for name, values in presets.items():
        differences = ", ".join(f"{key} = {_value(value)}" for key, value in values.items())
        yield f"  {name}: {differences or 'the defaults'}"


def _value(value: object) -> str:
    """A value as JSON, which is also TOML for most; of what is no JSON, what Python shows."""
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        return shown(value)
