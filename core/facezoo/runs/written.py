"""What a metrics.jsonl holds, whatever happened to it: its lines, and what is wrong with the others."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any, Final, NoReturn

from facezoo.errors import FacezooError

NAME: Final = "metrics.jsonl"
FIGURES: Final = {"untrained", "verification"}
"""Events that hold the figures of a verification."""
RATES: Final = ("accuracy", "fold_sd", "se", "auc", "eer")


@dataclass(frozen=True)
class Written:
    """What was found in a metrics.jsonl: its lines, and what is wrong with those that cannot be used."""

    lines: list[dict[str, Any]]
    damaged: list[str]

    @property
    def words(self) -> str:
        """The damage in words, or nothing."""
        if not self.damaged:
            return ""
        more = f" (and {len(self.damaged) - 1:,} more)" if len(self.damaged) > 1 else ""
        return f"{NAME}: damaged, {self.damaged[0]}{more}; what is damaged is taken out"


def read_written(run_dir: Path) -> Written:
    """The lines of a run's metrics.jsonl, with what is wrong with those that cannot be used.

    A kill cuts the last line short; a power cut may leave zero bytes. FacezooError where the file cannot be
    read at all.
    """
    found = Written([], [])
    try:
        with (run_dir / NAME).open("rb") as file:
            for number, raw in enumerate(file, 1):
                try:
                    found.lines.append(_parse(raw))
                except (ValueError, RecursionError) as problem:
                    found.damaged.append(f"line {number:,}: {_reason(problem)}")
    except FileNotFoundError:
        return found
    except OSError as problem:
        message = f"{run_dir / NAME}: cannot be read ({problem.strerror or problem})"
        raise FacezooError(
            message, "Make it readable, or move it away: then its lines are lost."
        ) from problem
    return found


def read_metrics(run_dir: Path) -> list[dict[str, Any]]:
    """The lines of a run's metrics.jsonl so far; those that are damaged or cut short are left out."""
    return read_written(run_dir).lines


def _parse(raw: bytes) -> dict[str, Any]:
    """One line; ValueError, or RecursionError, where it is not one that facezoo writes."""
    if not raw.endswith(b"\n"):
        raise ValueError("cut short" if raw.strip(b"\0") else "zero bytes")
    line = json.loads(raw.decode("utf-8"), parse_constant=_no_number, parse_float=_finite)
    if not isinstance(line, dict):
        raise ValueError("no JSON object")
    event = line.get("event")
    if not isinstance(event, str | None):
        raise ValueError("no event")
    if ("step" in line or event in {None, "epoch", *FIGURES}) and not _is_count(line.get("step"), 0):
        raise ValueError("no step")
    if event in FIGURES and not _are_figures(line):
        raise ValueError("no figures")
    if event == "image skipped" and not isinstance(line.get("path"), str):
        raise ValueError("no path")
    if event is None and not _is_step(line):
        raise ValueError("not the line of a step")
    return line


def _is_step(line: Mapping[str, Any]) -> bool:
    terms = line.get("terms")
    if not isinstance(terms, dict) or not _is_count(line.get("images", 1), 1):
        return False
    numbers = [line.get(name, "") for name in ("loss", "lr", "images_per_second")]
    return all(map(_is_number, [*numbers, *terms.values()]))


def _are_figures(line: Mapping[str, Any]) -> bool:
    """Whether a line has the figures of a verification: all of pairs', or the one that it is ranked by."""
    figures, ranked_by = line.get("verification"), line.get("figure", RATES[0])
    if not isinstance(figures, dict) or not isinstance(ranked_by, str):
        return False
    needed = RATES if ranked_by == RATES[0] else (ranked_by,)
    return all(_is_number(figures.get(name, "")) for name in needed) and isinstance(line.get("on", ""), str)


def _is_count(value: object, least: int) -> bool:
    return type(value) is int and least <= value < 2**63  # True is an int, too


def _is_number(value: object) -> bool:
    return value is None or (isinstance(value, int | float) and abs(value) < 1e300)


def _finite(text: str) -> float:
    value = float(text)
    if not isfinite(value):
        raise ValueError(f"{text[:20]} is no number")
    return value


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON")


def _reason(problem: BaseException) -> str:
    if isinstance(problem, RecursionError):
        return "nested too deeply"
    if isinstance(problem, json.JSONDecodeError | UnicodeDecodeError):
        return "no JSON"
    return str(problem).splitlines()[0]
