"""TAR@FAR: the share of genuine pairs accepted where few impostor pairs are, exact."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from facezoo.errors import FacezooError
from facezoo.evaluation import arguments
from facezoo.evaluation.between import between
from facezoo.evaluation.direction import refuse_distances

Scores = npt.NDArray[np.floating]
Truths = npt.NDArray[np.bool_]
_ROUNDING: Final = Fraction(1, 10**12)  # above a double's, below anything that is meant
FEWEST: Final = 10
"""Impostor pairs above the threshold that a figure must rest on; with fewer, its relative error is > 30 %."""


@dataclass(frozen=True)
class OperatingPoint:
    """What a threshold on the scores does; a pair is accepted where its score is at least `threshold`.

    `far` is the rate that was asked for, `achieved` = `accepted_impostors` / `impostors` the one that the
    scores allow (less than `far` where impostors tie), `tar` the share of the `genuine` pairs accepted.
    `support` is how many distinct impostor pairs are accepted: a pair that is listed again counts once.
    """

    far: float
    threshold: float
    tar: float
    achieved: float
    accepted_genuine: int
    accepted_impostors: int
    genuine: int
    impostors: int
    support: int

    @property
    def words(self) -> str:
        """How many impostor pairs the threshold accepts."""
        accepted = f"{self.accepted_impostors:,} of {self.impostors:,} impostor pairs"
        return f"{accepted} reach {self.threshold:.5f}"

    def as_dict(self) -> dict[str, Any]:
        """The figures as they are written to JSON."""
        return asdict(self)


def tar_at_far(
    scores: npt.ArrayLike,
    same: npt.ArrayLike,
    fars: npt.ArrayLike,
    *,
    first: npt.ArrayLike | None = None,
    failed: npt.ArrayLike | None = None,
    distances: bool = False,
) -> list[OperatingPoint]:
    """The operating point of each of `fars`, from scores [P] (the higher the more alike) and truths bool [P].

    The threshold is the lowest that accepts at most `far` of the impostor pairs, in whole numbers: with
    k = floor(far * impostors) it lies above the (k + 1)-th greatest impostor score, midway to the next
    greater score. `first` bool [P] is True where a pair is listed for the first time (None: each is listed
    once); `failed` and `distances` are as for `verify`.

    Raises FacezooError for arguments of other shapes or kinds, where a kind of pair is missing, a score is
    not finite or the AUC is below 0.2, and where fewer than ten distinct impostor pairs would be accepted:
    the list then is too short for such a rate.

    The impostor scores are copied once and partly sorted in place; nothing else of their size is made.
    """
    ready, truths = arguments.pairs(scores, same, failed=failed, distances=distances)
    rates = arguments.rates("fars", fars)
    return list(operating_points(ready, truths, rates, arguments.listed(first, truths)))


def operating_points(
    scores: Scores, same: Truths, fars: Sequence[float], first: Truths | None, *, must: bool = True
) -> Iterator[OperatingPoint]:
    """`tar_at_far` of arrays that have been looked at; -inf is never accepted.

    Rates that ties or repeated pairs leave with fewer than ten are passed over unless each `must` be given.
    """
    impostors, genuine = scores[~same], scores[same]
    check_kinds(genuine, impostors)
    refuse_distances(*(kind[kind > -np.inf] if failing(kind) else kind for kind in (genuine, impostors)))
    distinct = impostors if first is None else impostors[first[~same]]
    allowed = [check_supported(far, len(impostors), len(distinct), again=first is not None) for far in fars]
    places = sorted({len(impostors) - 1 - count for count in allowed if count < len(impostors)})
    if places:
        impostors.partition(places)
    for far, count in zip(fars, allowed, strict=True):
        point = _point(far, count, genuine, impostors, None if first is None else distinct)
        if point.support >= FEWEST:
            yield point
        elif must:
            raise too_few(point, count)


def lowest_far(impostors: int) -> float | None:
    """The lowest FAR that so many distinct impostor pairs support, where `FEWEST` reach the threshold; None
    where they support none.
    """
    return FEWEST / impostors if impostors >= FEWEST else None


def allowed_impostors(far: float, impostors: int) -> int:
    """floor(far * impostors), of the number that `far` was written as: 0.29 of 100 is 29, 1/3 of 30 is 10."""
    exact = Fraction(repr(float(far))) * impostors
    nearest = round(exact)
    return nearest if abs(exact - nearest) <= _ROUNDING * nearest else math.floor(exact)


def check_kinds(genuine: Scores, impostors: Scores) -> None:
    """Raise FacezooError where a kind of pair is missing."""
    for kind, scores in (("genuine", genuine), ("impostor", impostors)):
        if not len(scores):
            message = f"there is no {kind} pair; false accept and true accept rates need both kinds"
            raise FacezooError(message, "Give a list with genuine and impostor pairs.")


def failing(scores: Scores) -> bool:
    """Whether there are scores of pairs that are never accepted."""
    return bool(scores.min() == -np.inf)


def check_supported(far: float, impostors: int, distinct: int, *, again: bool) -> int:
    """How many impostor pairs a rate allows; FacezooError where too few distinct ones stand behind it."""
    if not 0 < far <= 1:
        raise FacezooError(f"FAR {far:g} is not a rate", "Give a number above 0 and at most 1, such as 1e-3.")
    supported = allowed_impostors(far, distinct)
    if supported < FEWEST:
        lowest = f"at least {FEWEST}/{distinct}" if distinct >= FEWEST else "this list supports none"
        kind = "distinct impostor" if again else "impostor"
        message = (
            f"FAR {far:g} of {distinct:,} {kind} pairs is {supported} of them; "
            f"a figure needs at least {FEWEST} above its threshold"
        )
        raise FacezooError(message, f"Ask for a higher FAR: {lowest}.")
    return allowed_impostors(far, impostors)


def too_few(point: OperatingPoint, allowed: int) -> FacezooError:
    """The error for a rate that leaves too few distinct impostor pairs above its threshold."""
    tied = allowed - point.accepted_impostors
    if tied:
        only = f"so only {point.support} lie above it"
        reason = f"{tied + 1} or more impostor pairs tie at the threshold, {only}"
    else:
        reason = f"only {point.support} distinct impostor pairs lie above the threshold"
    message = f"FAR {point.far:g}: {reason}; a figure needs at least {FEWEST}"
    return FacezooError(message, "Ask for a higher FAR, or give scores that are not rounded.")


def _point(
    far: float, allowed: int, genuine: Scores, impostors: Scores, distinct: Scores | None
) -> OperatingPoint:
    place = len(impostors) - 1 - allowed
    refused = float(impostors[place]) if place >= 0 else -np.inf
    above = impostors[place + 1 :]  # everything from here on is at least as great
    accepted, right = int((above > refused).sum()), int((genuine > refused).sum())
    return OperatingPoint(
        far=float(far),
        threshold=just_above(refused, above[above > refused], genuine[genuine > refused]),
        tar=right / len(genuine),
        achieved=accepted / len(impostors),
        accepted_genuine=right,
        accepted_impostors=accepted,
        genuine=len(genuine),
        impostors=len(impostors),
        support=accepted if distinct is None else int((distinct > refused).sum()),
    )


def just_above(low: float, *greater: Scores) -> float:
    """Midway between the greatest score that is refused and the least that is accepted."""
    high = min((float(scores.min()) for scores in greater if len(scores)), default=float("inf"))
    if high == float("inf"):
        return float(np.nextafter(low, np.inf))
    return float(between(low, high))
