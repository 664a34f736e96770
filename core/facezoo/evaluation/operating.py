"""TAR@FAR: the share of genuine pairs accepted where few impostor pairs are, exact."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from facezoo.errors import FacezooError

_ROUNDING: Final = Fraction(1, 10**12)  # above a double's, below anything that is meant
FEWEST: Final = 10
"""Impostor pairs above the threshold that a figure must rest on; with fewer, its relative error is > 30 %."""


@dataclass(frozen=True)
class OperatingPoint:
    """What a threshold on the scores does; a pair is accepted where its score is at least `threshold`.

    `far` is the rate that was asked for, `achieved` = `accepted_impostors` / `impostors` the one that the
    scores allow (less than `far` where impostors tie), `tar` the share of the `genuine` pairs accepted.
    """

    far: float
    threshold: float
    tar: float
    achieved: float
    accepted_genuine: int
    accepted_impostors: int
    genuine: int
    impostors: int

    def as_dict(self) -> dict[str, Any]:
        """The figures as they are written to JSON."""
        return asdict(self)


def tar_at_far(
    scores: npt.NDArray[np.floating], same: npt.NDArray[np.bool_], fars: Sequence[float]
) -> list[OperatingPoint]:
    """The operating point of each of `fars`, from scores [P] (the higher the more alike) and truths bool [P].

    The threshold is the lowest that accepts at most `far` of the impostor pairs, in whole numbers: with
    k = floor(far * impostors) it lies above the (k + 1)-th greatest impostor score, midway to the next
    greater score. Raises FacezooError where a kind of pair is missing, a score is not finite, or fewer than
    ten impostor pairs would be accepted: the list then is too short for such a rate.

    The impostor scores are copied once and partly sorted in place; nothing else of their size is made.
    """
    impostors = scores[~same]
    genuine = scores[same]
    check_kinds(genuine, impostors)
    allowed = [_allowed(far, len(impostors)) for far in fars]
    places = sorted({len(impostors) - 1 - count for count in allowed if count < len(impostors)})
    if places:
        impostors.partition(places)
    return [_point(far, count, genuine, impostors) for far, count in zip(fars, allowed, strict=True)]


def allowed_impostors(far: float, impostors: int) -> int:
    """floor(far * impostors), of the number that `far` was written as: 0.29 of 100 is 29, 1/3 of 30 is 10."""
    exact = Fraction(repr(float(far))) * impostors
    nearest = round(exact)
    return nearest if abs(exact - nearest) <= _ROUNDING * nearest else math.floor(exact)


def check_kinds(genuine: npt.NDArray[np.floating], impostors: npt.NDArray[np.floating]) -> None:
    """Raise FacezooError where a kind of pair is missing or a score is not finite."""
    for kind, scores in (("genuine", genuine), ("impostor", impostors)):
        if not len(scores):
            message = f"there is no {kind} pair; false accept and true accept rates need both kinds"
            raise FacezooError(message, "Give a list with genuine and impostor pairs.")
        # the extremes are finite exactly where all are: NaN propagates through them
        if not (np.isfinite(scores.min()) and np.isfinite(scores.max())):
            raise FacezooError(
                f"some of the {len(scores):,} scores of {kind} pairs are not finite",
                "The network gives NaN or infinite embeddings; an earlier checkpoint may not.",
            )


def _allowed(far: float, impostors: int) -> int:
    if not 0 < far <= 1:
        raise FacezooError(f"FAR {far:g} is not a rate", "Give a number above 0 and at most 1, such as 1e-3.")
    allowed = allowed_impostors(far, impostors)
    if allowed < FEWEST:
        lowest = f"at least {FEWEST}/{impostors}" if impostors >= FEWEST else "this list supports none"
        message = (
            f"FAR {far:g} of {impostors:,} impostor pairs is {allowed} of them; "
            f"a figure needs at least {FEWEST} above its threshold"
        )
        raise FacezooError(message, f"Ask for a higher FAR: {lowest}.")
    return allowed


def _point(
    far: float, allowed: int, genuine: npt.NDArray[np.floating], impostors: npt.NDArray[np.floating]
) -> OperatingPoint:
    if allowed == len(impostors):
        threshold = float(min(impostors.min(), genuine.min()))
        accepted, right = len(impostors), len(genuine)
    else:
        place = len(impostors) - 1 - allowed
        refused = impostors[place]  # everything after this place is at least as great
        above = impostors[place + 1 :]
        accepted, right = int((above > refused).sum()), int((genuine > refused).sum())
        threshold = _just_above(refused, above[above > refused], genuine[genuine > refused])
    if accepted < FEWEST:
        message = (
            f"FAR {far:g}: {allowed - accepted + 1} or more impostor pairs tie at the threshold, so only "
            f"{accepted} lie above it; a figure needs at least {FEWEST}"
        )
        raise FacezooError(message, "Ask for a higher FAR, or give scores that are not rounded.")
    return OperatingPoint(
        far=float(far),
        threshold=threshold,
        tar=right / len(genuine),
        achieved=accepted / len(impostors),
        accepted_genuine=right,
        accepted_impostors=accepted,
        genuine=len(genuine),
        impostors=len(impostors),
    )


def _just_above(refused: np.floating, *greater: npt.NDArray[np.floating]) -> float:
    """Midway between the greatest score that is refused and the least that is accepted."""
    low = float(refused)
    high = min((float(scores.min()) for scores in greater if len(scores)), default=float("inf"))
    if high == float("inf"):
        return float(np.nextafter(low, np.inf))
    middle = low + (high - low) / 2
    return middle if middle > low else high  # no number lies between neighbouring doubles
