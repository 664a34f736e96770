"""The threshold with the greatest accuracy, by trying all."""

from __future__ import annotations

import math
from itertools import pairwise


def slow_threshold(scores: list[float], same: list[bool]) -> float:
    """Try every interval between distinct scores, and join neighbours that are equally good."""
    levels = sorted(set(scores))
    above = math.nextafter(levels[-1], math.inf)
    # (low, high]: the thresholds that accept exactly the scores from `high` on
    steps = [(levels[0], levels[0]), *pairwise(levels), (above, above)]
    rights = [sum((s >= high) == t for s, t in zip(scores, same, strict=True)) for _, high in steps]
    joined: list[tuple[float, float]] = []
    previous = False
    for (low, high), right in zip(steps, rights, strict=True):
        if right == max(rights):
            joined = [*joined[:-1], (joined[-1][0], high)] if previous else [*joined, (low, high)]
        previous = right == max(rights)
    widths = [high - low for low, high in joined]
    low, high = joined[widths.index(max(widths))]
    middle = low + (high - low) / 2
    return middle if middle > low else high
