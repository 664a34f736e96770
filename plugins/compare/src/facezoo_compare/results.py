"""What a finished run of a comparison left: evaluation.json, and its result on pairs, as their scores."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from facezoo._words import did_you_mean
from facezoo.benchmarks import PairsResult, Result
from facezoo.data.listing import Listing
from facezoo.disk.durable import whole_file
from facezoo.errors import FacezooError
from facezoo.evaluation.archives import read_arrays
from facezoo.evaluation.identities import PairUnits
from facezoo.evaluation.scoring import ScoredPairs
from facezoo.runs import verified
from facezoo.runs.directory import writing
from facezoo.runs.places import EVALUATION

SCORES: Final = "scores.npz"
RATES: Final = ("accuracy", "auc", "eer")
AGAIN: Final = "Remove it; it is computed again."


def read_evaluation(folder: Path) -> dict[str, Any] | None:
    """The evaluation.json of a run, or None where there is none yet.

    FacezooError where it is damaged, or lacks a figure that runs are compared by.
    """
    content = verified.read_evaluation(folder)
    if content is None:
        return None
    main = content.get("figure") or RATES[0]  # runs of pairs did not always name it
    needed = RATES if main in RATES else (main,)
    if not all(_are_figures(content.get(name, ""), needed) for name in ("verification", "untrained")):
        raise FacezooError(f"{folder / EVALUATION}: does not hold the figures of a run", AGAIN)
    return content


def _are_figures(figures: object, needed: Sequence[str]) -> bool:
    if not isinstance(figures, Mapping):
        return figures is None
    values = [figures.get(name, "") for name in needed]
    return all(value is None or isinstance(value, int | float) for value in values)


def check_figure(name: str, figure: str, known: Collection[str]) -> None:
    """FacezooError where a benchmark of this name has no such figure to compare by."""
    if figure not in known:
        message = f"{name}: has no figure {figure!r}{did_you_mean(figure, known)}"
        raise FacezooError(message, f"Compare by one of {', '.join(known)} (--metric).")


def read_result(folder: Path) -> PairsResult | None:
    """The result that `write_result` kept, or None where there is none; FacezooError where it is damaged."""
    path = folder / SCORES
    if not path.exists():
        return None
    arrays = read_arrays(path, ("name", "score", "same", "fold"), AGAIN, optional=("left", "right", "pair"))
    sides = [arrays[name] for name in ("left", "right") if name in arrays]
    drawn = sides or [arrays[name] for name in ("pair",) if name in arrays]
    pairs = [arrays["score"], arrays["same"], arrays["fold"], *drawn]
    kinds = "".join(array.dtype.kind for array in [arrays["name"], *pairs])
    alike = {array.shape for array in pairs} == {(len(arrays["score"]),)} if arrays["score"].ndim else False
    whole = len(sides) != 1 and kinds == "Ufbi" + "i" * len(drawn)
    if not alike or not whole or not _in_range(arrays["score"], *drawn):
        raise FacezooError(f"{path}: does not hold the scores of a run's pairs", AGAIN)
    units = PairUnits(sides[0], sides[1], int(max(map(np.max, sides))) + 1) if sides else None
    listing = Listing.of(drawn[0], drawn[0]) if drawn and not sides else None  # who is on them is not known
    columns = (arrays["score"], arrays["same"], arrays["fold"])
    return PairsResult(ScoredPairs(str(arrays["name"]), *columns, units, listing=listing))


def _in_range(scores: Any, *sides: Any) -> bool:
    return bool(len(scores) and np.isfinite(scores).all() and all(side.min() >= 0 for side in sides))


def write_result(folder: Path, result: Result) -> None:
    """Keep the scores of a run's pairs in its directory; FacezooError where they cannot be written.

    The result of another benchmark is not kept: it is measured whenever it is compared.
    """
    if not isinstance(result, PairsResult):
        return
    scored = result.scored
    arrays: dict[str, Any] = {
        "name": np.array(scored.name),
        "score": scored.scores,
        "same": scored.same,
        "fold": scored.fold,
    }
    if scored.units:
        arrays |= {"left": scored.units.left, "right": scored.units.right}
    elif scored.listing is not None:
        arrays["pair"] = scored.listing.pair
    path = folder / SCORES
    with (
        writing(path, "Free some space, then say the same again."),
        whole_file(path) as making,
        making.open("wb") as file,
    ):
        np.savez(file, **arrays)
