"""`facezoo list`: what is installed, from metadata alone, so no plug-in is imported and none can break it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import click

from facezoo._words import cut
from facezoo.registry.entries import (
    BACKBONES,
    BENCHMARKS,
    COMMANDS,
    DATA,
    HEADS,
    HOOKS,
    KINDS,
    PluginEntry,
)
from facezoo_cli.lines import described
from facezoo_cli.options import as_json
from facezoo_cli.output import say, say_json

GROUPS: Final = {
    group.removeprefix("facezoo."): group for group in (HEADS, BACKBONES, COMMANDS, DATA, BENCHMARKS, HOOKS)
}


@click.command("list")
@click.argument("group", required=False, type=click.Choice(list(GROUPS)), metavar="[GROUP]")
@as_json("Print a list of objects, one per name; of all groups, an object of such lists.")
def command(group: str | None, as_json: bool) -> None:
    """List what is installed: heads, backbones, commands and more.

    GROUP is heads, backbones, commands, data, benchmarks or hooks; all of them if not given. Anything listed
    may be switched off for one command: FACEZOO_DISABLE=NAME,DIST:NAME.
    """
    if group is not None:
        _print(GROUPS[group], as_json)
    elif as_json:
        say_json({name: _records(of) for name, of in GROUPS.items()})
    else:
        say("\n\n".join("\n".join(_lines(of)) for of in GROUPS.values()))


@click.command("list-heads")
@as_json("Print a list of objects, one per head.")
def list_heads(as_json: bool) -> None:
    """List the heads that are installed.

    A head may be switched off for one command: FACEZOO_DISABLE=NAME,DIST:NAME.
    """
    _print(HEADS, as_json)


def _print(group: str, as_json: bool) -> None:
    if as_json:
        say_json(_records(group))
    else:
        say("\n".join(_lines(group)))


def _records(group: str) -> list[dict[str, str]]:
    return [entry.as_dict() for entry in described(group)]


def _lines(group: str) -> Iterator[str]:
    entries, kind = described(group), KINDS[group]
    if entries:
        return _table(entries, kind.upper())
    return iter([f"No {kind} is installed. Each comes with a distribution that offers it."])


def _table(entries: Sequence[PluginEntry], title: str) -> Iterator[str]:
    rows = [(title, "STATUS", "DISTRIBUTION", "SUMMARY")]
    rows += [(one.name, one.status, f"{one.dist} {one.version}", cut(one.summary, 200)) for one in entries]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    reasons = ["", *(entry.reason for entry in entries)]
    for row, reason in zip(rows, reasons, strict=True):
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        yield "  ".join([*cells, row[3]]).rstrip()
        if reason:
            yield f"{'':{widths[0]}}  {reason}"
