"""`facezoo data check`: what is in a folder of identity folders, and what needs mending."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Sized
from statistics import median
from typing import TYPE_CHECKING

import click

from facezoo._cut import SHOWN, listed, named
from facezoo_cli.completing import SOURCE
from facezoo_cli.options import as_json
from facezoo_cli.output import say, say_json

if TYPE_CHECKING:
    from facezoo_datacheck.check import DataCheck
    from facezoo_datacheck.overlap import Overlap

BINS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000)  # lower ends
WIDTH = 40  # of the longest bar


@click.command("check")
@click.argument("path", type=SOURCE, metavar="SRC")
@click.option(
    "--against", type=SOURCE, metavar="SRC", help="Look for what is in this set of images as well, too."
)
@as_json("Print everything that was found, as one object.")
@click.pass_context
def command(ctx: click.Context, path: str, against: str | None, as_json: bool) -> None:
    """Decode every image of SRC and say what needs mending.

    SRC is a folder of identity folders, or another source of images. Lists identities, images per identity,
    files that cannot be read, images of the same bytes, and what is in another set as well, which training
    and verification should not share. Exit code 0: usable; 1: something needs mending; 2: there is nothing to
    check.
    """
    from facezoo_datacheck.check import check_faces

    found = check_faces(path, against)
    if as_json:
        say_json(found.as_dict())
    else:
        say("\n".join(_report(found)))
    ctx.exit(1 if found.to_mend() else 0)


def _report(found: DataCheck) -> Iterator[str]:
    from facezoo.data.faces import printable, told
    from facezoo_datacheck.check import number_of

    identities = number_of(found.identities, "identity", "identities")
    yield f"{printable(found.path)}: {found.images:,} images of {identities}"
    if found.declared:
        yield f"declared: {', '.join(f'{key} {value}' for key, value in found.declared.items())}"
    yield from _sides(found)
    yield from _histogram([count for count in found.per_identity.values() if count])
    yield from listed("cannot be read", map(str, found.unreadable), len(found.unreadable))
    yield f"not used: {len(found.left_out):,}"
    yield from told(found.left_out, "--json lists all")
    title = "not square (an error in training unless data.fit=crop)"
    yield from listed(title, map(str, found.other_aspect), len(found.other_aspect))
    for where, groups in (("under different identities", found.across), ("within an identity", found.within)):
        lines = (printable(named(group.paths, " = ")) for group in groups)
        yield from listed(f"groups of byte-identical images {where}", lines, len(groups))
    if found.overlap:
        yield from _shared(found.overlap)
    mend = found.to_mend()
    yield f"to mend: {'; '.join(mend)}" if mend else "usable: nothing needs mending"


def _sides(found: DataCheck) -> Iterator[str]:
    sizes = [f"{width} x {height} ({count:,})" for (width, height), count in found.sides.items()]
    more = f" and {len(sizes) - SHOWN:,} other sizes" if len(sizes) > SHOWN else ""
    if sizes:
        yield f"pixels: {', '.join(sizes[:SHOWN])}{more}"


def _histogram(counts: Sequence[int]) -> Iterator[str]:
    """Identities by how many images they have."""
    if not counts:
        return
    yield f"images per identity: {min(counts):,} to {max(counts):,}, median {median(counts):g}"
    tops = [*(low - 1 for low in BINS[1:]), max(*counts, BINS[-1])]
    bins = [(low, top, sum(low <= n <= top for n in counts)) for low, top in zip(BINS, tops, strict=True)]
    used = [row for row, (_, _, identities) in enumerate(bins) if identities]
    most = max(identities for _, _, identities in bins)
    for low, top, identities in bins[used[0] : used[-1] + 1]:
        label = f"{low:,}" if low == top else f"{low:,}-{top:,}"
        bar = "#" * -(-WIDTH * identities // most)
        yield f"  {label:>9} {identities:>7,}  {bar}".rstrip()


def _shared(overlap: Overlap) -> Iterator[str]:
    from facezoo.data.faces import printable

    def pairs(items: Iterable[tuple[str, str]]) -> Iterator[str]:
        return (f"{printable(here)} = {printable(there)}" for here, there in items)

    yield f"against {printable(overlap.path)}: {overlap.images:,} images"
    yield from _counted("identities in both, by name", pairs(overlap.identities), overlap.identities)
    if overlap.numbers:
        yield f"  names in both that are numbers only, which says nothing: {len(overlap.numbers):,}"
    yield from _counted("images in both, by name", pairs(overlap.same_name), overlap.same_name)
    yield from _counted("images in both, by bytes", pairs(overlap.same_bytes), overlap.same_bytes)
    if overlap.passed_over:
        yield f"  hidden, litter or linked twice there, and passed over: {len(overlap.passed_over):,}"
    yield from _counted("files there not compared", map(str, overlap.unreadable), overlap.unreadable)


def _counted(title: str, lines: Iterable[str], items: Sized) -> Iterator[str]:
    """As `listed`, one step further in."""
    return (f"  {line}" for line in listed(title, lines, len(items)))
