"""Running a cell of a comparison, whatever state its directory is in."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from facezoo._words import first_line
from facezoo.comparison.grid import Cell
from facezoo.disk.durable import whole_file
from facezoo.errors import FacezooError
from facezoo.evaluation.archives import read_arrays
from facezoo.evaluation.identities import PairUnits
from facezoo.evaluation.network import open_network
from facezoo.evaluation.scoring import ScoredPairs, score_own_pairs
from facezoo.settings import RunSettings, resolve, to_toml
from facezoo.training.claim import ClaimedError, claim
from facezoo.training.directory import CONFIG, EVALUATION
from facezoo.training.session import resume, train

if TYPE_CHECKING:
    from rich.console import Console

SCORES: Final = "scores.npz"


@dataclass(frozen=True, eq=False)
class Outcome:
    """What became of a cell: its scored pairs and evaluation.json, or the reason why there are none."""

    cell: Cell
    folder: Path
    scored: ScoredPairs | None = None
    evaluation: Mapping[str, Any] | None = None
    failure: str | None = None


def check_folder(cell: Cell, folder: Path) -> None:
    """Raise FacezooError where `folder` holds a run with other settings than the cell's.

    Settings that the run's facezoo did not have yet count as their defaults.
    """
    config = folder / CONFIG
    if not config.exists():
        return
    try:
        there = _values(resolve(config))
    except FacezooError as problem:
        hint = f"{problem.hint} Or remove that run, or choose another directory (--out)."
        raise FacezooError(problem.message, hint.strip()) from problem
    wanted = _values(cell.settings)
    changed = sorted(key for key in wanted.keys() | there.keys() if wanted.get(key) != there.get(key))
    if changed:
        message = f"{folder}: holds a run with another recipe ({', '.join(changed)})"
        raise FacezooError(message, "Choose another directory (--out), or remove this one.")


def _values(settings: RunSettings) -> dict[str, Any]:
    """Every setting by `section.key`, as resolved.toml has it."""
    sections = tomllib.loads(to_toml(settings)).items()
    return {f"{section}.{key}": value for section, values in sections for key, value in values.items()}


def run_cell(cell: Cell, folder: Path, console: Console | None = None) -> Outcome:
    """Train a cell, or go on with it, or take it as it is where it is finished; then score its pairs.

    Whatever goes wrong in it is contained: the outcome says what. Only an interruption gets through, and
    `ClaimedError` where another process has the cell in hand.
    """
    try:
        if not (folder / EVALUATION).is_file():
            if (folder / CONFIG).is_file():
                resume(folder, console)
            else:
                train(cell.settings, folder, console=console)
        evaluation = json.loads((folder / EVALUATION).read_text(encoding="utf-8"))
        return Outcome(cell, folder, _scored(folder), evaluation)
    except ClaimedError:
        raise
    except Exception as problem:  # noqa: BLE001  # one cell must not take the others with it
        return Outcome(cell, folder, failure=first_line(problem))


def _scored(folder: Path) -> ScoredPairs:
    """The scores of a finished run's pairs: from its file, or computed and written there."""
    path = folder / SCORES
    if not path.is_file():
        with claim(folder):
            _write(score_own_pairs(open_network(folder)), path)
    return _read(path)


def _write(scored: ScoredPairs, path: Path) -> None:
    arrays: dict[str, Any] = {
        "name": np.array(scored.name),
        "score": scored.scores,
        "same": scored.same,
        "fold": scored.fold,
    }
    if scored.units:
        arrays |= {"left": scored.units.left, "right": scored.units.right}
    with whole_file(path) as making, making.open("wb") as file:
        np.savez(file, **arrays)


def _read(path: Path) -> ScoredPairs:
    keys, hint = ("name", "score", "same", "fold"), "Remove it; it is computed again."
    arrays = read_arrays(path, keys, hint, optional=("left", "right"))
    units = None
    if {"left", "right"} <= arrays.keys():
        count = int(max(arrays["left"].max(), arrays["right"].max())) + 1
        units = PairUnits(arrays["left"], arrays["right"], count)
    return ScoredPairs(str(arrays["name"]), arrays["score"], arrays["same"], arrays["fold"], units)
