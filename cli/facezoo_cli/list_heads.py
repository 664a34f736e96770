"""`facezoo list-heads`: from metadata alone, so no plug-in is imported and none can break it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from facezoo._words import cut
from facezoo.registry import HeadEntry, installed_heads
from facezoo_cli.output import say, say_json


@click.command("list-heads")
@click.option("--json", "as_json", is_flag=True, help="A list of objects, one a head.")
def command(as_json: bool) -> None:
    """List the heads that are installed.

    A head may be switched off for one command: FACEZOO_DISABLE=head,dist:head.
    """
    heads = installed_heads()
    if as_json:
        say_json([head.as_dict() for head in heads])
    elif heads:
        say("\n".join(_table(heads)))
    else:
        say("No head is installed. Each comes with a distribution that offers it.")


def _table(heads: Sequence[HeadEntry]) -> Iterator[str]:
    rows = [("HEAD", "STATUS", "DISTRIBUTION", "SUMMARY")]
    rows += [
        (head.name, head.status, f"{head.dist} {head.version}", cut(head.summary, 200)) for head in heads
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    reasons = ["", *(head.reason for head in heads)]
    for row, reason in zip(rows, reasons, strict=True):
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        yield "  ".join([*cells, row[3]]).rstrip()
        if reason:
            yield f"{'':{widths[0]}}  {reason}"
