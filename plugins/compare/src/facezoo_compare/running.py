"""Running a cell of a comparison, whatever state its directory is in."""

from __future__ import annotations

import time
import tomllib
import warnings
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from facezoo._words import first_line
from facezoo.benchmarks import PairsBenchmark, Result, evaluate_network, open_own_benchmark
from facezoo.data.opening import own_pairs
from facezoo.errors import FacezooError
from facezoo.runs.claim import ClaimedError, claim
from facezoo.runs.directory import CONFIG, check_directory, holds_run, refuse_run
from facezoo.runs.network import open_network
from facezoo.settings import RunSettings, resolve, to_toml
from facezoo.training.inputs import check_inputs
from facezoo.training.session import resume, train
from facezoo_compare.grid import Cell
from facezoo_compare.results import RATES, check_figure, read_evaluation, read_result, write_result

if TYPE_CHECKING:
    from rich.console import Console

T = TypeVar("T")
PATIENCE: Final = 1.0
"""Seconds between two looks at a run that another process has in hand."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """What became of a cell: its result and evaluation.json, or the reason why there are none."""

    cell: Cell
    folder: Path
    result: Result | None = None
    evaluation: Mapping[str, Any] | None = None
    failure: str | None = None


def check_cells(cells: Sequence[Cell], out: Path, metric: str | None = None) -> None:
    """Raise FacezooError where a cell's directory below `out` is taken, what it reads is not there, or pairs
    have no figure `metric`: other benchmarks say what they have when they have measured.
    """
    _check_pairs(cells[0].settings)
    for cell in cells:
        check_folder(cell, out / cell.folder)
    looked_at: set[str] = set()
    for settings in (cell.settings for cell in cells):
        inputs = repr((settings.data, settings.evaluate, settings.train.device, settings.train.init_from))
        if inputs not in looked_at:
            looked_at.add(inputs)
            benchmark = check_inputs(settings)
            if isinstance(benchmark, PairsBenchmark) and metric is not None:
                check_figure(benchmark.name, metric, RATES)


def _check_pairs(settings: RunSettings) -> None:
    evaluate = settings.evaluate
    brought = evaluate.pairs != "auto" or evaluate.protocol != "auto" or own_pairs(settings.data.path)
    if evaluate.pairs == "none" or not brought:
        raise FacezooError("compare: the runs would have no pairs to be compared on", "Say --pairs FILE.")


def check_folder(cell: Cell, folder: Path) -> None:
    """Raise FacezooError where `folder` holds a run with other settings than the cell's, or something else.

    Settings that the run's facezoo did not have yet count as their defaults. A start that failed before its
    first step is no run.
    """
    if not (folder / CONFIG).exists() or not holds_run(folder):
        refuse_run(folder)
        return
    check_directory(folder)
    if changed := _changed(cell, folder):
        message = f"{folder}: holds a run with another recipe ({', '.join(changed)})"
        raise FacezooError(message, "Choose another directory (--out), or remove this one.")


def _changed(cell: Cell, folder: Path) -> list[str]:
    """The settings in which a run is not the cell's."""
    try:
        there = _values(resolve(folder / CONFIG))
    except FacezooError as problem:
        hint = f"{problem.hint} Or remove that run, or choose another directory (--out)."
        raise FacezooError(problem.message, hint.strip()) from problem
    wanted = _values(cell.settings)
    return sorted(key for key in wanted.keys() | there.keys() if wanted.get(key) != there.get(key))


def _values(settings: RunSettings) -> dict[str, Any]:
    """Every setting by `section.key`, as resolved.toml has it."""
    sections = tomllib.loads(to_toml(settings)).items()
    return {f"{section}.{key}": value for section, values in sections for key, value in values.items()}


def run_cells(
    cells: Sequence[Cell],
    out: Path,
    tell: Callable[[str], None] = lambda line: None,
    console: Console | None = None,
) -> list[Outcome]:
    """Run every cell in its directory below `out`; those that another process has in hand come last, and are
    waited for. `tell` is given a line per cell that begins, is put off or has failed.
    """
    outcomes: dict[int, Outcome] = {}
    pending = deque(range(len(cells)))
    put_off: set[int] = set()
    while pending:
        number = pending.popleft()
        cell = cells[number]
        folder = out / cell.folder
        if number not in put_off:
            tell(f"[{number + 1}/{len(cells)}] {cell.label}, seed {cell.seed}: {folder}")
        elif len(put_off) > len(pending):
            time.sleep(PATIENCE)
        try:
            outcomes[number] = run_cell(cell, folder, console)
        except ClaimedError:
            if number not in put_off:
                tell("  put off: another process is training it")
            put_off.add(number)
            pending.append(number)
            continue
        put_off.discard(number)
        if failure := outcomes[number].failure:
            tell(f"  failed: {failure}")
    return [outcomes[number] for number in range(len(cells))]


def run_cell(cell: Cell, folder: Path, console: Console | None = None) -> Outcome:
    """Train a cell, or go on with it, or take it as it is where it is finished; then find its result.

    Whatever goes wrong in it is contained: the outcome says what. Only an interruption gets through, and
    `ClaimedError` where another process has the cell in hand.
    """
    try:
        evaluation = _if_sound(read_evaluation, folder)
        if evaluation is None:
            if holds_run(folder):
                resume(folder, console)
            else:
                train(cell.settings, folder, console=console)
            evaluation = read_evaluation(folder)
        return Outcome(cell, folder, _result(folder), evaluation)
    except ClaimedError:
        raise
    except Exception as problem:  # noqa: BLE001  # one cell must not take the others with it
        return Outcome(cell, folder, failure=first_line(problem))


def _result(folder: Path) -> Result:
    """The result of a finished run: from the scores that it kept, or measured, and kept if it is of pairs."""
    result: Result | None = _if_sound(read_result, folder)
    if result is None:
        with claim(folder):
            network = open_network(folder)
            (result,) = evaluate_network(network, [open_own_benchmark(network)])
            write_result(folder, result)
    return result


def _if_sound(read: Callable[[Path], T | None], folder: Path) -> T | None:
    """What a file of a run holds; None where it is not there, or damaged, which is said."""
    try:
        return read(folder)
    except FacezooError as problem:
        warnings.warn(f"{problem.message}; it is computed again", RuntimeWarning, stacklevel=2)
        return None
