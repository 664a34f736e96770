"""`facezoo threshold RUN --far 1e-3`: the threshold for a false accept rate, with its uncertainty."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from facezoo._protocols import PAIRS_PROTOCOLS
from facezoo.errors import FacezooError
from facezoo_cli import figures
from facezoo_cli.output import say, say_json

if TYPE_CHECKING:
    from facezoo.evaluation import ChosenThreshold
    from facezoo.evaluation.enrolment import Failed
    from facezoo.evaluation.scoring import ScoredPairs

_PATH = click.Path(path_type=Path)


@click.command("threshold")
@click.argument("run", required=False, type=_PATH, metavar="[RUN|CHECKPOINT]")
@click.option("--far", type=float, default=1e-3, help="False accept rate; 1e-3 if not given.")
@click.option("--embeddings", type=_PATH, metavar="E.npz", help="Embeddings from anywhere, instead of a run.")
@click.option("--pairs", metavar="FILE|DIR", help="Pairs; those of the run if not given.")
@click.option("--protocol", type=click.Choice(PAIRS_PROTOCOLS), help="What the pairs are.")
@click.option("--images", type=_PATH, metavar="DIR", help="The folder that names in pairs start from.")
@click.option("--replicates", type=click.IntRange(1), default=1000, help="Of the bootstrap; 1000.")
@click.option("--seed", type=click.IntRange(0), default=0, help="Of the bootstrap; 0.")
@click.option("--failed", type=click.Choice(figures.FAILED), help=figures.FAILED_HELP)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def command(
    run: Path | None,
    far: float,
    embeddings: Path | None,
    pairs: str | None,
    protocol: str | None,
    images: Path | None,
    replicates: int,
    seed: int,
    failed: Failed | None,
    as_json: bool,
) -> None:
    """Choose the threshold for a false accept rate, with its interval.

    As a cosine, and as the Euclidean distance of unit embeddings. It holds for images like those of the
    pairs: choose it on images like your own.
    """
    if (run is None) == (embeddings is None):
        raise FacezooError("threshold: one source of scores is needed", "Give RUN, or --embeddings E.npz.")
    scored = _scored(run, embeddings, pairs, protocol, images, failed)
    from facezoo.evaluation import choose_threshold

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
    if as_json:
        say_json({**figures.list_as_dict(scored), **chosen.as_dict()})
    else:
        say("\n".join(_lines(scored, chosen)))


def _scored(
    run: Path | None,
    embeddings: Path | None,
    pairs: str | None,
    protocol: str | None,
    images: Path | None,
    failed: Failed | None,
) -> ScoredPairs:
    from facezoo.data.protocols import read_protocol
    from facezoo.evaluation.files import read_embeddings
    from facezoo.evaluation.scoring import score_embeddings, score_network, score_own_pairs
    from facezoo.runs.network import open_network

    if embeddings is not None:
        if pairs is None:
            raise FacezooError("--embeddings: which pairs?", "Say --pairs FILE|DIR.")
        return score_embeddings(read_embeddings(embeddings), read_protocol(pairs, protocol), failed=failed)
    assert run is not None
    network = open_network(run)
    if pairs is None:
        return score_own_pairs(network, failed=failed)
    return score_network(network, read_protocol(pairs, protocol), images, failed=failed)


def _lines(scored: ScoredPairs, chosen: ChosenThreshold) -> Iterator[str]:
    point = chosen.point
    yield f"{scored.name}: {point.genuine:,} genuine and {point.impostors:,} impostor pairs"
    yield from figures.of_list(scored)
    yield f"{f'FAR {point.far:g}':<14}{'threshold':>10}   95 % interval"
    yield f"{'cosine >=':<14}{point.threshold:>10.4f}   {figures.number_interval(chosen.interval)}"
    yield f"{'L2 <=':<14}{chosen.l2:>10.4f}   {figures.number_interval(chosen.l2_interval)}"
    tar = f"{figures.percent(point.tar)} % of genuine pairs ({figures.percent_interval(chosen.tar)})"
    yield f"accepts {tar} and {point.accepted_impostors:,} of {point.impostors:,} impostor pairs"
    if chosen.interval is not None:
        yield f"intervals: {chosen.interval.method}"
