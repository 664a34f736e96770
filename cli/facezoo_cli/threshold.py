"""`facezoo threshold RUN --far 1e-3`: the threshold for a false accept rate, with its uncertainty."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from facezoo.errors import FacezooError
from facezoo_cli.measuring import Asked, measured
from facezoo_cli.options import as_json, count
from facezoo_cli.output import say, say_json

if TYPE_CHECKING:
    from facezoo.evaluation import ChosenThreshold
    from facezoo.evaluation.scoring import ScoredPairs
    from facezoo.table import Table


@click.command("threshold")
@measured
@click.option(
    "--far",
    type=float,
    default=1e-3,
    metavar="RATE",
    help="Choose it for this FAR; 1e-3 if not given.",
)
@count("--replicates", "Draw N replicates of the bootstrap; 1000 if not given.", usual=1000)
@as_json("Print the threshold as JSON.")
def command(far: float, replicates: int, seed: int, failed: Any, as_json: bool, **options: Any) -> None:
    """Choose the threshold for a false accept rate, with its interval.

    As a cosine, and as the Euclidean distance of unit embeddings. It holds for images like those of the
    pairs: choose it on images like your own.
    """
    from facezoo.benchmarks import Options, PairsResult
    from facezoo.benchmarks.pairs_table import list_as_dict
    from facezoo.evaluation import choose_threshold

    found = Asked(**options).results(Options(replicates=replicates, seed=seed, failed=failed))
    if len(found) > 1 or not isinstance(result := found[0][1], PairsResult):
        raise FacezooError("threshold: one list of pairs is needed", "Say --pairs FILE|FOLDER.")
    scored = result.scored
    chosen = choose_threshold(
        scored.scores,
        scored.same,
        far,
        scored.units,
        first=scored.first,
        failed=scored.rejected,
        replicates=replicates,
        seed=seed,
    )
    table = _table(scored, chosen)
    if as_json:
        say_json({**list_as_dict(scored), **chosen.as_dict(), "table": table.as_dict()})
    else:
        say("\n".join(table.lines()))


def _table(scored: ScoredPairs, chosen: ChosenThreshold) -> Table:
    from facezoo.benchmarks.pairs_table import of_list
    from facezoo.table import Row, Table, ends, number

    point = chosen.point
    tar = f"{number(point.tar)} % of genuine pairs ({ends(chosen.tar)})"
    accepts = f"accepts {tar} and {point.accepted_impostors:,} of {point.impostors:,} impostor pairs"
    return Table(
        f"{scored.name}: {point.genuine:,} genuine and {point.impostors:,} impostor pairs",
        [
            Row("cosine >=", point.threshold, chosen.interval, ""),
            Row("L2 <=", chosen.l2, chosen.l2_interval, ""),
        ],
        columns=(f"FAR {point.far:g}", "threshold", "95 % interval"),
        remarks=list(of_list(scored)),
        notes=[accepts, *([f"intervals: {chosen.interval.method}"] if chosen.interval else [])],
    )
