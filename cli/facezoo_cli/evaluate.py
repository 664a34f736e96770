"""`facezoo evaluate`: figures with intervals, of a run or of embeddings from anywhere."""

from __future__ import annotations

from typing import Any

import click

from facezoo.errors import FacezooError
from facezoo_cli.measuring import Asked, measured
from facezoo_cli.options import FILE, as_json, count
from facezoo_cli.output import say, say_json


@click.command("evaluate")
@measured
@click.option(
    "--scores", type=FILE, metavar="FILE", help="Evaluate a classifier: `score` [M, C], `label` [M]."
)
@click.option("--training", metavar="SRC", help="Say where the run's training images are now, for uniform.")
@click.option(
    "--far", "fars", type=float, multiple=True, metavar="RATE", help="Measure at this FAR; may be repeated."
)
@count("--folds", "Make N folds of pairs that bring none; 10 if not given.", least=2, usual=10)
@count("--replicates", "Draw N replicates of the bootstrap; 1000 if not given.", least=0, usual=1000)
@click.option("--flip/--no-flip", default=None, help="Add the mirror image's embedding; as the run did.")
@click.option("--distances", is_flag=True, help="Take --scores for distances: the lower the more alike.")
@as_json("Print all figures as JSON, in fractions.")
def command(
    as_json: bool,
    fars: tuple[float, ...],
    folds: int,
    replicates: int,
    seed: int,
    failed: Any,
    distances: bool,
    **options: Any,
) -> None:
    """Evaluate a run, or embeddings from anywhere, with intervals.

    Pairs are LFW's lists, CSV (a,b,same), and what other benchmarks read. Those that need no list, such as
    all pairs of a set, take their images from `--data SRC`, or take all that have embeddings: the folders are
    the identities.
    """
    from facezoo.benchmarks import Options

    asked = Asked(**options)
    if distances and asked.scores is None:
        message = "--distances: what is compared are cosines, which facezoo computes itself"
        raise FacezooError(message, "It is for --scores FILE.")
    found = asked.results(Options(fars or None, folds, replicates, seed, failed, distances))
    if as_json:
        contents = {name: {**result.as_dict(), "table": result.table.as_dict()} for name, result in found}
        say_json(contents if asked.benchmarks else next(iter(contents.values())))
        return
    say("\n\n".join("\n".join(result.table.lines()) for _, result in found))
