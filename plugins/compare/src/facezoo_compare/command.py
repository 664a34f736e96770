"""`facezoo compare`: heads under one recipe, and which of their differences hold."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from facezoo.table import ends, number
from facezoo_cli.completing import Head
from facezoo_cli.options import FILE, as_json, count, data, out, sets
from facezoo_cli.output import say, say_json
from facezoo_cli.stopping import interruptible

if TYPE_CHECKING:
    from rich.console import Console

    from facezoo.table import Unit
    from facezoo_compare.analysis import Comparison, Difference, Row
    from facezoo_compare.grid import Cell

TABLE = "comparison.json"


@click.command("compare")
@click.argument("recipe", required=False, type=FILE, metavar="[FILE]")
@click.option(
    "--heads",
    required=True,
    type=Head(presets=True, several=True),
    metavar="NAME,NAME,...",
    help="Compare these heads, each NAME or NAME@PRESET.",
)
@click.option("--baseline", metavar="ROW", help="Compare the others with ROW; with the first if not given.")
@count("--seeds", "Train every head N times, with N seeds; 3 if not given.", usual=3)
@data("Train on SRC: a folder of identity folders, or another source of images.")
@click.option("--pairs", metavar="FILE", help="Verify these pairs; what the data brings if not given.")
@click.option(
    "--sweep",
    "sweeps",
    multiple=True,
    metavar="SECTION.KEY=VALUE,VALUE,...",
    help="Go through these values of a setting; may be repeated.",
)
@sets("Change a setting of the recipe; may be repeated.")
@out("FOLDER", "Keep the runs below FOLDER; below runs/compare if not given.", default=Path("runs/compare"))
@click.option(
    "--metric",
    metavar="FIGURE",
    help="Compare this figure; the benchmark's main one if not given: of pairs, accuracy.",
)
@count("--replicates", "Draw N replicates of the bootstrap; 1000 if not given.", least=100, usual=1000)
@click.option("--figure", type=FILE, metavar="FILE", help="Draw it, too; this needs the extra `figures`.")
@as_json("Print the table as JSON, in fractions.")
def command(
    recipe: Path | None,
    heads: str,
    baseline: str | None,
    data: str | None,
    pairs: str | None,
    out: Path,
    figure: Path | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Train heads under one recipe and say which differences hold.

    FILE holds the recipe, settings in TOML. Every head runs with every seed, each run in a directory of its
    own below FOLDER. Interrupted, or after a
    run has failed, the same command goes on with what is missing. Given several times at once, it shares
    the runs out. The table is kept in comparison.json.
    """
    from facezoo_compare.analysis import compare
    from facezoo_compare.grid import find_row, make_grid
    from facezoo_compare.running import run_cells

    flags = {"data.path": data, "evaluate.pairs": pairs}
    given = {key: value for key, value in flags.items() if value is not None}
    named = [head.strip() for head in heads.split(",") if head.strip()]
    cells = make_grid(
        named, options["seeds"], toml_path=recipe, flags=given, sets=options["sets"], sweeps=options["sweeps"]
    )
    row = find_row(cells, baseline or cells[0].label)
    _check(cells, out, figure, options["metric"])
    with interruptible(lambda: "Interrupted. The same command goes on."):
        outcomes = run_cells(cells, out, lambda line: say(line, err=True), _console())
        found = compare(outcomes, row, metric=options["metric"], replicates=options["replicates"])
        _keep(found, out, figure)
    if as_json:
        say_json(found.as_dict())
    else:
        say("\n".join(table(found)))
    if any(outcome.failure for outcome in outcomes):
        click.get_current_context().exit(1)


def _check(cells: Sequence[Cell], out: Path, figure: Path | None, metric: str | None) -> None:
    """Raise the FacezooError of whatever can be told before hours of training."""
    from facezoo_compare.running import check_cells

    if figure is not None:
        from facezoo_compare.figure import check

        check(figure)
    check_cells(cells, out, metric)


def _keep(found: Comparison, out: Path, figure: Path | None) -> None:
    from facezoo.disk.durable import write_json
    from facezoo.runs.directory import writing

    with writing(out / TABLE, "Free some space, then say the same again."):
        write_json(out / TABLE, found.as_dict())
    if figure is not None:
        from facezoo_compare.figure import draw

        draw(found, figure)


def _console() -> Console | None:
    """Progress of the runs, on a terminal only: elsewhere their lines would drown the table."""
    if not sys.stderr.isatty():
        return None
    from rich.console import Console

    return Console(stderr=True)


def table(found: Comparison) -> Iterator[str]:
    """The lines of a comparison; rates are in percent."""
    width = max(len(row.label) for row in found.rows) + 2
    unit = f", {found.unit}" if found.unit else ""
    yield f"{found.metric} on {found.pairs}{unit}; differences to {found.baseline}"
    head = f"{'':<{width}}{'seeds':>5}{'untrained':>11}{'mean':>8}{'SD':>7}  {'95 % interval':<18}"
    yield f"{head}{'difference':>10}  {'95 % interval':<18}{'p (Holm)':>8}"
    for row in found.rows:
        yield _line(row, width, row.label == found.baseline, found.unit)
    for row in found.rows:
        for seed, reason in row.failures.items():
            yield f"failed: {row.label}, seed {seed}: {reason}"
    yield f"intervals: {found.method}"
    yield f"SD: over seeds. p: two-sided, corrected for {len(found.rows) - 1} comparisons."


def _line(row: Row, width: int, baseline: bool, unit: Unit) -> str:
    total = len(row.figures) + len(row.failures)
    done = f"{len(row.figures)}/{total}" if row.failures else str(total)
    start = f"{row.label:<{width}}{done:>5}"
    if row.mean is None:
        return f"{start}  every run failed"
    spread = "" if row.sd is None else number(row.sd, unit)
    untrained = "" if row.untrained is None else number(row.untrained, unit)
    interval = ends(row.interval, unit)
    figures = f"{start}{untrained:>11}{number(row.mean, unit):>8}{spread:>7}  {interval:<18}"
    if row.difference is None:
        return f"{figures}{'baseline' if baseline else 'none':>10}"
    return f"{figures}{_difference(row.difference, unit)}"


def _difference(found: Difference, unit: Unit) -> str:
    verdict = "" if found.shown else "  no difference shown"
    value = number(found.value, unit)
    signed = value if value.startswith("-") else f"+{value}"
    return f"{signed:>10}  {ends(found.interval, unit):<18}{found.adjusted:>8.3f}{verdict}"
