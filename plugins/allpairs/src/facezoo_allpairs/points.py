"""TAR@FAR of all pairs: exact order statistics of scores that are not held."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from facezoo.evaluation.operating import (
    FEWEST,
    OperatingPoint,
    check_supported,
    just_above,
    too_few,
)
from facezoo_allpairs.crossing import LEVELS, LOWEST, Bracket, Crossed, fill
from facezoo_allpairs.figures import Weighed

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]
_ROUNDING: Final = 1e-9
"""An end of a level, as it is computed, and a score beside it may lie the wrong way round by far less."""


def points_of(
    weighed: Weighed, units: Floats, codes: Numbers, fars: Sequence[float], *, must: bool
) -> list[OperatingPoint]:
    """The operating point of each rate; see `tar_at_far`.

    Scores are gone through once more where a threshold lies below what is held. Rates that ties leave with
    fewer than ten impostor pairs are passed over unless each `must` be given.
    """
    total = weighed.impostors
    allowed = [check_supported(far, total, total, again=False) for far in fars]
    falling = _falling(weighed, units, codes, allowed)
    points = []
    for far, count, bracket in zip(fars, allowed, falling, strict=True):
        point = _point(weighed, far, *_threshold(weighed, count, bracket))
        if point.support >= FEWEST:
            points.append(point)
        elif must:
            raise too_few(point, count)
    return points


def _falling(weighed: Weighed, units: Floats, codes: Numbers, allowed: Sequence[int]) -> list[Bracket | None]:
    """For each rate the scores about its threshold; None where those that are held will do."""
    crossed = weighed.crossed
    found = [
        _bracket(crossed, count) if len(crossed.held) <= count < crossed.impostors else None
        for count in allowed
    ]
    if brackets := [bracket for bracket in found if bracket is not None]:
        fill(units, codes, brackets)
    return found


def _bracket(crossed: Crossed, allowed: int) -> Bracket:
    """Between which of the genuine scores and ends of levels the first score lies that is not allowed."""
    ends = LOWEST + np.arange(LEVELS) * (-2 * LOWEST / LEVELS)
    reach = np.cumsum(crossed.of_identity.sum(0)[::-1])[::-1] // 2  # each pair has two identities
    scores, counts = np.append(crossed.genuine, ends), np.append(crossed.least, reach)
    low = np.max(scores, where=counts > allowed, initial=LOWEST)
    high = np.min(scores, where=counts <= allowed, initial=-LOWEST)
    return Bracket(float(low) - _ROUNDING, float(high) + _ROUNDING)


def _threshold(weighed: Weighed, allowed: int, bracket: Bracket | None) -> tuple[float, int, float]:
    """The greatest impostor score that is refused, how many are accepted, and the least score of those."""
    crossed = weighed.crossed
    if allowed >= crossed.impostors:  # what failed to enrol is never accepted
        return -np.inf, crossed.impostors, np.inf
    falling, greater, least = crossed.held, 0, np.inf
    if bracket is not None:
        falling, greater, least = bracket.falling, bracket.greater, bracket.least
    refused = float(falling[allowed - greater])
    before = int(np.searchsorted(-falling, -refused, "left"))
    return refused, greater + before, float(falling[before - 1]) if before else least


def _point(weighed: Weighed, far: float, refused: float, accepted: int, least: float) -> OperatingPoint:
    crossed = weighed.crossed
    level = int(np.searchsorted(crossed.genuine, refused, "right"))
    right = len(crossed.whose) - int(np.append(crossed.first, len(crossed.whose))[level])
    greater = np.append(crossed.genuine[level : level + 1], least)
    return OperatingPoint(
        far=float(far),
        threshold=just_above(refused, greater[np.isfinite(greater)]),
        tar=right / weighed.genuine,
        achieved=accepted / weighed.impostors,
        accepted_genuine=right,
        accepted_impostors=accepted,
        genuine=weighed.genuine,
        impostors=weighed.impostors,
        support=accepted,
    )
