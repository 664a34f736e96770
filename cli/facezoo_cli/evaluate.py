"""`facezoo evaluate`: figures with intervals, of a run or of embeddings from anywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from facezoo._protocols import PAIRS_PROTOCOLS
from facezoo.errors import FacezooError
from facezoo_cli import figures
from facezoo_cli.output import say, say_json

if TYPE_CHECKING:
    from facezoo.evaluation import FixedThreshold, Geometry
    from facezoo.evaluation.enrolment import Failed
    from facezoo.evaluation.scoring import ScoredPairs
    from facezoo.runs.network import Network

_FILE = click.Path(dir_okay=False, path_type=Path)
_PATH = click.Path(path_type=Path)
PROTOCOLS = (*PAIRS_PROTOCOLS, "uniform", "geometry")
Report = tuple[Sequence[str], Mapping[str, Any]]


@dataclass(frozen=True)
class Asked:
    """What was asked for on the command line."""

    run: Path | None
    embeddings: Path | None
    scores: Path | None
    pairs: str | None
    protocol: str | None
    data: str | None
    images: Path | None
    training: str | None
    fars: tuple[float, ...]
    folds: int
    replicates: int
    seed: int
    flip: bool | None
    failed: Failed | None
    distances: bool


@click.command("evaluate")
@click.argument("run", required=False, type=_PATH, metavar="[RUN|CHECKPOINT]")
@click.option("--embeddings", type=_FILE, metavar="E.npz", help="Embeddings: `path` [N], `embedding` [N, D].")
@click.option("--scores", type=_FILE, metavar="S.npz", help="A classifier's `score` [M, C], `label` [M].")
@click.option("--pairs", metavar="FILE|DIR", help="Pairs; those of the run if not given.")
@click.option("--protocol", type=click.Choice(PROTOCOLS), help="What to evaluate, if files do not tell.")
@click.option("--data", metavar="DIR", help="Identity folders, for uniform and geometry.")
@click.option("--images", type=_PATH, metavar="DIR", help="The folder that names in pairs start from.")
@click.option("--training", metavar="DIR", help="Where the run's training images are now, for uniform.")
@click.option("--far", "fars", type=float, multiple=True, metavar="RATE", help="A FAR; may be repeated.")
@click.option("--folds", type=click.IntRange(2), default=10, help="Folds, for pairs that bring none; 10.")
@click.option("--replicates", type=click.IntRange(0), default=1000, help="Of the bootstrap; 1000.")
@click.option("--seed", type=click.IntRange(0), default=0, help="Of the bootstrap; 0.")
@click.option("--flip/--no-flip", default=None, help="Add the mirror image's embedding; as the run did.")
@click.option("--failed", type=click.Choice(figures.FAILED), help=figures.FAILED_HELP)
@click.option("--distances", is_flag=True, help="The --scores are distances: the lower the more alike.")
@click.option("--json", "as_json", is_flag=True, help="All figures as JSON, in fractions.")
def command(as_json: bool, **options: Any) -> None:
    """Evaluate a run, or embeddings from anywhere, with intervals.

    Pairs: LFW's lists, CFP's folder, CSV (a,b,same). `--protocol uniform` tells images of trained identities
    apart with one threshold, `--protocol geometry` gives the angles within and between identities.
    """
    asked = Asked(**options)
    _check(asked)
    lines, content = _report(asked)
    if as_json:
        say_json(content)
    else:
        say("\n".join(lines))


def _check(asked: Asked) -> None:
    sources = [name for name in ("run", "embeddings", "scores") if getattr(asked, name) is not None]
    if len(sources) != 1:
        found = f"{' and '.join(sources)} were given" if sources else "nothing was given"
        hint = "Give one of: RUN, --embeddings E.npz, --scores S.npz."
        raise FacezooError(f"evaluate: one source of figures is needed; {found}", hint)
    wants_data = asked.protocol in {"uniform", "geometry"} and asked.run is not None
    if wants_data and asked.data is None:
        raise FacezooError(
            f"--protocol {asked.protocol}: which images?", "Say --data DIR (identity folders)."
        )
    if asked.data is not None and not wants_data:
        raise FacezooError(
            "--data: only for --protocol uniform or geometry of a run", "Pairs are --pairs FILE."
        )
    if asked.distances and asked.scores is None:
        message = "--distances: what is compared are cosines, which facezoo computes itself"
        raise FacezooError(message, "It is for --scores S.npz.")
    if asked.embeddings is not None and asked.protocol == "uniform":
        message = "--protocol uniform: embeddings alone have no classes"
        raise FacezooError(message, "Give a RUN, or a classifier's --scores S.npz.")
    if asked.embeddings is not None and asked.protocol != "geometry" and asked.pairs is None:
        raise FacezooError("--embeddings: which pairs?", "Say --pairs FILE|DIR.")


def _report(asked: Asked) -> Report:
    if asked.scores is not None:
        return _of_scores(asked.scores, asked)
    if asked.embeddings is not None and asked.protocol == "geometry":
        return _geometry_of_embeddings(asked.embeddings, asked)
    if asked.protocol == "uniform":
        return _uniform(asked)
    if asked.protocol == "geometry":
        return _geometry(asked)
    network = None if asked.run is None else _network(asked)
    return _of_pairs(asked, _scored(asked, network), network)


def _scored(asked: Asked, network: Network | None) -> ScoredPairs:
    from facezoo.data.protocols import read_protocol
    from facezoo.evaluation import scoring

    if network is None:
        from facezoo.evaluation.files import read_embeddings

        assert asked.embeddings is not None
        assert asked.pairs is not None
        listed = read_protocol(asked.pairs, asked.protocol)
        embeddings = read_embeddings(asked.embeddings)
        return scoring.score_embeddings(embeddings, listed, asked.folds, failed=asked.failed)
    if asked.pairs is None:
        return scoring.score_own_pairs(network, flip=asked.flip, failed=asked.failed)
    listed = read_protocol(asked.pairs, asked.protocol)
    return scoring.score_network(
        network, listed, asked.images, folds=asked.folds, flip=asked.flip, failed=asked.failed
    )


def _network(asked: Asked) -> Network:
    from facezoo.runs.network import open_network

    assert asked.run is not None
    return open_network(asked.run)


def _of_pairs(asked: Asked, scored: ScoredPairs, network: Network | None) -> Report:
    from facezoo.evaluation import assess

    found = assess(
        scored.scores,
        scored.same,
        scored.fold,
        scored.units,
        fars=asked.fars or None,
        first=scored.first,
        failed=scored.rejected,
        replicates=asked.replicates,
        seed=asked.seed,
    )
    learned, unknown = _own_threshold(asked, scored, network)
    lines = [*figures.of_pairs(scored, found, learned), *unknown]
    return lines, {
        **figures.list_as_dict(scored),
        **found.as_dict(),
        "own_threshold": learned and learned.as_dict(),
    }


def _own_threshold(
    asked: Asked, scored: ScoredPairs, network: Network | None
) -> tuple[FixedThreshold | None, list[str]]:
    """What the threshold of the run's head does to the pairs, and why it is not known where it may be there.

    Embeddings need no head, so a head that cannot be loaded takes no figure away but this one.
    """
    from facezoo.evaluation import at_threshold

    try:
        threshold = None if network is None else network.learned_threshold
        if threshold is None:
            return None, []
        found = at_threshold(
            scored.scores,
            scored.same,
            threshold,
            scored.units,
            first=scored.first,
            failed=scored.rejected,
            replicates=asked.replicates,
            seed=asked.seed,
        )
    except FacezooError as error:
        return None, [f"whether the head has a threshold of its own is not known: {error.message}"]
    return found, []


def _uniform(asked: Asked) -> Report:
    from facezoo.evaluation.classification import classify

    assert asked.data is not None
    found = classify(
        _network(asked), asked.data, training=asked.training, flip=asked.flip, failed=asked.failed
    )
    notes = figures.failed_images(found.geometry.failed, asked.failed)
    notes += figures.files_left_out(found.geometry.files_left_out)
    if found.strangers:
        notes.append(f"left out: {found.strangers:,} identities that were not trained on")
    if found.trained_on:
        notes.append("these are the training images: the figures show how well they are learned, no more")
    lines = [*figures.of_classes(found.uniform), *notes, *figures.of_angles(found.geometry)]
    content = {"uniform": found.uniform.as_dict(), "geometry": found.geometry.as_dict()}
    return lines, {**content, "strangers": found.strangers, "trained_on": found.trained_on}


def _geometry(asked: Asked) -> Report:
    from facezoo.evaluation.classification import geometry_of_folder

    assert asked.data is not None
    found = geometry_of_folder(_network(asked), asked.data, flip=asked.flip, failed=asked.failed)
    return _of_angles(found, asked)


def _geometry_of_embeddings(path: Path, asked: Asked) -> Report:
    from facezoo.evaluation.classification import geometry_of_embeddings
    from facezoo.evaluation.files import read_embeddings

    return _of_angles(geometry_of_embeddings(read_embeddings(path), asked.failed), asked)


def _of_angles(found: Geometry, asked: Asked) -> Report:
    notes = figures.failed_images(found.failed, asked.failed)
    notes += figures.files_left_out(found.files_left_out)
    return [*figures.of_angles(found), *notes], {"geometry": found.as_dict()}


def _of_scores(path: Path, asked: Asked) -> Report:
    from facezoo.evaluation.class_scores import uniform_of_file

    found = uniform_of_file(path, distances=asked.distances, failed=asked.failed)
    notes = figures.failed_images(found.failed, asked.failed)
    return [*figures.of_classes(found), *notes], {"uniform": found.as_dict()}
