"""The threshold between two neighbouring scores."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def between(low: npt.ArrayLike, high: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Midway from `low` to `high`, of one shape: above the one, which it refuses, and at most the other.

    `high` where no double lies between them, and where `low` is -inf; NaN where either is.
    """
    below, above = np.asarray(low, np.float64), np.asarray(high, np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        middle = below + (above - below) / 2
        middle = np.where(np.isfinite(middle), middle, below / 2 + above / 2)  # very far apart
    return np.where(middle > below, middle, above)
