"""The door of the documented functions: what they are given is looked at here, once, and nowhere else.

Arrays, lists and torch tensors are taken alike. An array that is what it should be already is not copied.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from numbers import Integral, Real
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from facezoo._words import shown
from facezoo.errors import FacezooError

Scores = npt.NDArray[np.floating]
Truths = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.int64]

_NOT_FINITE = "The network gives NaN or infinite embeddings; an earlier checkpoint may not."


def pairs(
    scores: npt.ArrayLike,
    same: npt.ArrayLike,
    *,
    failed: npt.ArrayLike | None = None,
    distances: bool = False,
) -> tuple[Scores, Truths]:
    """Scores floating [P] and truths bool [P] of pairs; 1 and 0 are taken for True and False.

    `failed` [P] says which pairs hold an image that failed to enrol: their score becomes -inf, whatever it
    was. `distances` turns the scores round. Raises FacezooError for other shapes and kinds, and where any
    other score is not finite.
    """
    found, truths = _floating("scores", scores, "one number per pair [P]"), of_pairs("same", same)
    together(scores=found, same=truths)
    found = -found if distances else found
    out = failures(failed, found)
    if out is None:
        _finite(found, truths)
        return found, truths
    _finite(found[~out], truths[~out])
    return np.where(out, np.array(-np.inf, found.dtype), found), truths


def failures(failed: npt.ArrayLike | None, scores: Scores) -> Truths | None:
    """Which scores are of what failed to enrol, bool [P]; None where none is, FacezooError where all are."""
    if failed is None:
        return None
    out = of_pairs("failed", failed)
    together(scores=scores, failed=out)
    if len(out) and out.all():
        message = f"failed: all {len(out):,} are said to have failed to enrol"
        raise FacezooError(message, "Look at the images, and at what embeds them.")
    return out if out.any() else None


def of_pairs(name: str, values: npt.ArrayLike) -> Truths:
    """One truth per pair, bool [P]."""
    wanted = "True or False (or the integers 1 and 0) per pair [P]"
    found = _array(name, values, "biu", wanted)
    if found.dtype == np.bool_:
        return found
    wrong = np.flatnonzero((found != 0) & (found != 1))
    if len(wrong):
        message = f"{name}: {len(wrong):,} of {len(found):,} are neither 1 nor 0, such as {found[wrong[0]]}"
        raise FacezooError(message, "Say what is meant by True: same == 1, for example.")
    return found == 1


def listed(first: npt.ArrayLike | None, same: Truths) -> Truths | None:
    """Where pairs with these truths are listed for the first time, bool [P]; None where each is."""
    if first is None:
        return None
    found = of_pairs("first", first)
    together(first=found, same=same)
    return None if found.all() else found


def folds(fold: npt.ArrayLike, count: int) -> Numbers:
    """A fold's number for each of `count` pairs, int64 [P]."""
    found = _integers("fold", fold, "one integer per pair [P]")
    _as_many("fold", len(found), count, "pairs")
    return found


def labels(values: npt.ArrayLike, count: int) -> npt.NDArray[Any]:
    """The class of each of `count` samples, integers or text [N]."""
    found = _array("labels", values, "iuUS", "one integer (or name) per sample [N]")
    _as_many("labels", len(found), count, "samples")
    return found


def numbers_below(name: str, values: npt.ArrayLike, count: int, things: str) -> Numbers:
    """One number in [0, count) per pair, int64 [P]: which of `count` things it means."""
    found = _integers(name, values, f"the number of one of the {things} per pair [P]")
    if len(found) and not 0 <= found.min() <= found.max() < count:
        wrong = int(found.min()) if found.min() < 0 else int(found.max())
        message = f"{name}: {wrong:,} is not the number of one of {count:,} {things}"
        raise FacezooError(message, f"The {things} are numbered from 0.")
    return found


def rows(embeddings: npt.ArrayLike) -> Scores:
    """Embeddings, floating [N, D]; whether they have a direction is `enrolment`'s to say."""
    return _floating("embeddings", embeddings, "numbers [images, dimensions]", ndim=2)


def matrix(scores: npt.ArrayLike) -> Scores:
    """A classifier's scores, floating [M, C] with at least two classes."""
    found = _floating("scores", scores, "numbers [samples, classes]", ndim=2)
    if found.shape[1] < 2:
        raise FacezooError(f"scores: {list(found.shape)}", "Give scores of two classes or more.")
    return found


def metrics(name: str, values: npt.ArrayLike) -> Scores:
    """One number per sample, floating [M]; what they may not be is for the caller to say."""
    return _floating(name, values, "one number per sample [M]")


def replicates(values: npt.ArrayLike) -> Scores:
    """Replicates of one figure, floating [R]; NaN where it was undefined."""
    return _floating("replicates", values, "one number per replicate [R]")


def rates(name: str, values: npt.ArrayLike) -> tuple[float, ...]:
    """Several numbers, such as false accept rates."""
    found = _array(name, values, "fiu", "a list of numbers")
    return tuple(found.astype(np.float64).tolist())


def shares(name: str, values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Numbers in [0, 1], of any shape."""
    found = _read(name, values)
    if found.dtype.kind not in "fiu" or not ((found >= 0) & (found <= 1)).all():
        raise FacezooError(f"{name}: {_shown(found)}", "Give numbers between 0 and 1.")
    return found.astype(np.float64)


def number(name: str, value: Any, low: float = -np.inf, high: float = np.inf) -> float:
    """A finite number in [low, high]."""
    if not _is(value, Real) or not abs(value) <= sys.float_info.max:
        raise FacezooError(f"{name}: {shown(value)} is not a finite number", "Give a number.")
    if not low <= value <= high:
        raise FacezooError(f"{name}: {value} is not between {low:g} and {high:g}", "Give a number that is.")
    return float(value)


def whole(name: str, value: Any, low: int = 0) -> int:
    """A whole number of at least `low`."""
    if not _is(value, Integral) or value < low:
        raise FacezooError(f"{name}: {shown(value)}", f"Give a whole number of at least {low}.")
    return int(value)


def of_kind(name: str, value: Any, kind: type) -> None:
    """Raise FacezooError where a value is not of a class of facezoo's."""
    if not isinstance(value, kind):
        raise FacezooError(f"{name}: {shown(value)}", f"Give facezoo's {kind.__name__}.")


def names(name: str, values: Any) -> list[str]:
    """Several texts; one text alone is not taken for its letters."""
    if isinstance(values, Iterable) and not isinstance(values, str):
        found = list(values)
        if all(isinstance(text, str) for text in found):
            return found
    raise FacezooError(f"{name}: not a list of texts", "Give one text per image.")


def together(**columns: npt.NDArray[Any]) -> None:
    """Raise FacezooError where columns of pairs are not of one length."""
    (first, one), (second, other) = columns.items()
    if len(one) != len(other):
        message = f"{len(one):,} {first}, but {len(other):,} pairs in `{second}`"
        raise FacezooError(message, "Give one entry per pair in each, in one order.")


def _as_many(name: str, found: int, count: int, things: str) -> None:
    if found != count:
        raise FacezooError(f"{name}: {found:,} entries for {count:,} {things}", "Give one for each.")


def _finite(scores: Scores, truths: Truths) -> None:
    """Refuse NaN and infinities. The extremes are finite where all are: NaN propagates through them."""
    if not len(scores) or (np.isfinite(scores.max()) and np.isfinite(scores.min())):
        return
    wrong = ~np.isfinite(scores)
    kinds = f"{int((wrong & truths).sum()):,} of genuine and {int((wrong & ~truths).sum()):,} of impostor"
    message = f"{int(wrong.sum()):,} of {len(scores):,} scores are not finite: {kinds} pairs"
    raise FacezooError(message, _NOT_FINITE)


def _floating(name: str, values: npt.ArrayLike, wanted: str, ndim: int = 1) -> Scores:
    found = _array(name, values, "fiu", wanted, ndim)
    return found if found.dtype.kind == "f" else found.astype(np.float64)


def _integers(name: str, values: npt.ArrayLike, wanted: str) -> Numbers:
    return _array(name, values, "iu", wanted).astype(np.int64, copy=False)


def _array(name: str, values: npt.ArrayLike, kinds: str, wanted: str, ndim: int = 1) -> npt.NDArray[Any]:
    """The values as an array whose dtype is of one of the `kinds`; of nothing any dtype will do."""
    found = _read(name, values)
    if found.ndim != ndim or (found.size and found.dtype.kind not in kinds):
        raise FacezooError(f"{name}: {_shown(found)}", f"Give {wanted}.")
    return found if found.dtype.kind in kinds else found.astype(np.dtype(kinds[0]))


def _read(name: str, values: Any) -> npt.NDArray[Any]:
    if isinstance(values, torch.Tensor):
        values = values.detach().cpu()
        values = values.float() if values.dtype == torch.bfloat16 else values
    if np.ma.is_masked(values):
        raise FacezooError(f"{name}: a masked array", "Leave out what is masked: compressed().")
    try:
        return np.asarray(values)
    except (ValueError, TypeError, RuntimeError, OverflowError) as problem:
        raise FacezooError(f"{name}: not an array ({problem})", "Give a NumPy array.") from problem


def _is(value: Any, kind: type) -> bool:
    """Whether a value is a number of this kind; True and False are none, whatever Python thinks."""
    return isinstance(value, kind) and not isinstance(value, bool)


def _shown(found: npt.NDArray[Any]) -> str:
    return f"{found.dtype} {list(found.shape)}" if found.dtype != object else "objects, not numbers"
