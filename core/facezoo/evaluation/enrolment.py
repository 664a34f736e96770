"""Images that failed to enrol: an embedding that is zero or not finite has no direction, and no cosine.

Detectors that find no face, and networks that overflow, leave such rows. What they count as is for whoever
asks to say; unasked, they are refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from facezoo.errors import FacezooError
from facezoo.evaluation import arguments

Failed = Literal["reject", "drop"]
"""`reject`: never accepted, a false non-match and no false match. `drop`: left out with all their pairs."""
_SHOWN: Final = 3
_HINT: Final = (
    "Look at the images and at what embeds them, or say what they count as: "
    "--failed reject (never accepted) or --failed drop (left out); in Python, failed=."
)


def failing_rows(rows: npt.NDArray[np.floating]) -> npt.NDArray[np.bool_]:
    """Which of the rows [N, D] are zero or not finite, bool [N]."""
    lengths = np.linalg.norm(rows.astype(np.float64, copy=False), axis=1)
    return ~(np.isfinite(lengths) & (lengths > 0))


def unit_rows(embeddings: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Embeddings [N, D] as unit vectors; FacezooError where some have no direction."""
    wide = arguments.rows(embeddings).astype(np.float64)
    refuse("embeddings", np.flatnonzero(failing_rows(wide)), len(wide))
    return wide / np.linalg.norm(wide, axis=1, keepdims=True)


def units_but(rows: npt.NDArray[np.floating], failing: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """Rows [N, D] as unit vectors, zeros in place of those that failed to enrol."""
    wide = np.where(failing[:, None], 0, rows.astype(np.float64))
    wide /= np.where(failing, 1, np.linalg.norm(wide, axis=1))[:, None]
    return wide


def settle(
    name: str,
    rows: npt.NDArray[np.floating],
    names: Sequence[str],
    failed: Failed | None,
    *,
    things: str = "embeddings",
) -> npt.NDArray[np.bool_]:
    """Which rows [N, D] failed to enrol, bool [N].

    `names` are the images' names, `name` says where they come from and `things` what they are. Raises
    FacezooError where some failed and `failed` does not say what they count as, and where all did.
    """
    failing = failing_rows(rows)
    if failed is None:
        refuse(name, np.flatnonzero(failing), len(rows), names, things)
    elif failed not in {"reject", "drop"}:
        raise FacezooError(f"failed: {failed!r}", "Say reject or drop.")
    if len(rows) and failing.all():
        message = f"{name}: each of {len(rows):,} images failed to enrol"
        raise FacezooError(message, "Look at what embeds them.")
    return failing


def refuse(
    name: str,
    failing: npt.NDArray[np.int64],
    count: int,
    names: Sequence[str] | None = None,
    things: str = "embeddings",
) -> None:
    """Raise FacezooError where any of `count` images is `failing` (their numbers), naming some of them."""
    if not len(failing):
        return
    some = [f"row {image}" if names is None else repr(names[image]) for image in failing[:_SHOWN].tolist()]
    message = (
        f"{name}: {len(failing):,} of {count:,} {things} are zero or not finite, such as "
        f"{', '.join(some)}: these images failed to enrol"
    )
    raise FacezooError(message, _HINT)
