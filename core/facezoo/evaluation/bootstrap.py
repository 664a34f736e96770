"""Replicates of verification figures, redrawn over identities.

Pairs share people, so they are not independent trials; people are. Drawing identities with replacement gives
identity a the weight n_a, a genuine pair of a the weight n_a, an impostor pair of a and b n_a * n_b. Every
threshold is chosen anew on the weighted pairs: its uncertainty is part of the figure's.

A replicate equals the figure of the list with each pair written down as often as it weighs. Matrices here
are [levels, replicates]: a level is a distinct score, in rising order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from facezoo.evaluation import arguments
from facezoo.evaluation.identities import PairUnits, check_units
from facezoo.evaluation.operating import allowed_impostors
from facezoo.evaluation.plateaus import Columns, Levels, best_thresholds

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[Any]
Times = npt.NDArray[np.integer[Any]]
"""How often each unit is drawn, integer [U, r]: a column per replicate."""

REPLICATES: Final = 1000
ELEMENTS: Final = 1_000_000
"""Numbers of a matrix that replicates are computed with at a time: small enough for a processor's cache."""


@dataclass(frozen=True, eq=False)
class Replicates:
    """Replicates of each figure, float64 [R], NaN where one was undefined in a draw.

    `accuracy` counts folds by what they weigh in a draw: people come in folds together, and a fold whose
    people were hardly drawn says little. `tar` and `threshold` have a row for each FAR asked for, [F, R].
    """

    accuracy: Floats
    auc: Floats
    eer: Floats
    tar: Floats
    threshold: Floats


def replicate(
    scores: npt.ArrayLike,
    same: npt.ArrayLike,
    fold: npt.ArrayLike,
    units: PairUnits,
    *,
    fars: npt.ArrayLike = (),
    failed: npt.ArrayLike | None = None,
    count: int = REPLICATES,
    seed: int = 0,
) -> Replicates:
    """`count` replicates of the figures of pairs: scores [P], truths bool [P], folds int [P].

    The draws are a function of `seed` and `units` alone, so replicates of two scorings of the same pairs
    belong together one by one: their differences are replicates of the difference. `failed` is as for
    `verify`. Raises FacezooError for arguments of other shapes or kinds, rates outside [0, 1], scores that
    are not finite, and units that more than a tenth of the pairs of a kind contradict.
    """
    ready, truths = arguments.pairs(scores, same, failed=failed)
    return replicates_of(
        ready,
        truths,
        arguments.folds(fold, len(truths)),
        units,
        fars=[arguments.number("fars", far, 0, 1) for far in arguments.rates("fars", fars)],
        count=arguments.whole("count", count, 1),
        seed=arguments.whole("seed", seed),
    )


def replicates_of(
    scores: npt.NDArray[np.floating],
    same: npt.NDArray[np.bool_],
    fold: npt.NDArray[np.int64],
    units: PairUnits,
    *,
    fars: Sequence[float],
    count: int,
    seed: int,
) -> Replicates:
    """`replicate` of arrays that have been looked at; -inf is never accepted."""
    check_units(units, same)
    weighing = Weighing(scores, same, fold)
    results = [weighing.figures(weights, fars) for weights in draws(units, same, count, seed)]
    joined = {
        name: np.concatenate([getattr(result, name) for result in results], axis=-1)
        for name in ("accuracy", "auc", "eer", "tar", "threshold")
    }
    return Replicates(**joined)


def draws(units: PairUnits, same: npt.NDArray[np.bool_], count: int, seed: int) -> Iterator[Integers]:
    """Weights of the pairs [P, r], as many at a time as memory should hold, `count` in all."""
    at_once = max(1, min(count, ELEMENTS // max(len(same), units.count)))
    return (weights_of_pairs(units, times) for times in drawn(units.count, count, seed, at_once))


def drawn(units: int, count: int, seed: int, at_once: int) -> Iterator[npt.NDArray[np.int64]]:
    """How often each of so many units is drawn in `count` draws with replacement, in blocks [U, r]."""
    random = np.random.default_rng(seed)
    for first in range(0, count, at_once):
        size = min(at_once, count - first)
        places = random.integers(0, units, (units, size)) * size + np.arange(size)
        yield np.bincount(places.ravel(), minlength=units * size).reshape(units, size)


def weights_of_pairs(units: PairUnits, times: Times) -> Integers:
    """What pairs weigh [P, r] where their units are drawn so many `times` [U, r]."""
    # two identities where the folders say so: a label that contradicts them changes no draw
    two = np.flatnonzero(units.left != units.right)
    # 32 bits are three times as fast; they hold every sum of weights up to this bound
    small = int(times.max()) ** 2 * len(units.left) < 2**31
    times = times.astype(np.int32 if small else np.int64)
    weights = times[units.left]
    weights[two] *= times[units.right[two]]
    return weights


class Weighing:
    """Pairs in rising order of their scores: the figures for any weights of them."""

    def __init__(
        self, scores: npt.NDArray[np.floating], same: npt.NDArray[np.bool_], fold: npt.NDArray[np.int64]
    ) -> None:
        self._order = np.argsort(scores, kind="stable")
        self._ranked = _Ranked(scores[self._order].astype(np.float64), same[self._order], fold[self._order])

    def figures(self, weights: Integers, fars: Sequence[float] = ()) -> Replicates:
        """The figures where the pairs, in the order given, weigh `weights` [P, r]."""
        folds, curve = self.folds(weights), self.curve(weights, fars)
        return Replicates(_share(folds.right.sum(0), folds.judged.sum(0)), *curve)

    def folds(self, weights: Integers) -> Folds:
        """Each fold judged with the threshold that the others choose."""
        return _folds(self._ranked, weights[self._order])

    def curve(self, weights: Integers, fars: Sequence[float] = ()) -> tuple[Floats, Floats, Floats, Floats]:
        """AUC and EER [r], TAR and threshold at each rate [F, r]."""
        return _curve_figures(self._ranked, weights[self._order], fars)

    def itself(self) -> tuple[Folds, float | None, float | None]:
        """Folds, AUC and EER of the pairs as they are: all weigh 1. None where a kind is missing."""
        ones = np.ones((len(self._order), 1), np.int32)
        auc, eer = (float(figure[0]) for figure in self.curve(ones)[:2])
        return self.folds(ones), None if np.isnan(auc) else auc, None if np.isnan(eer) else eer


@dataclass(frozen=True, eq=False)
class Folds:
    """What the folds weigh, what is judged rightly in them, and the thresholds that the others chose: [F, r]
    each. A threshold is NaN where no pair of the other folds was drawn, and nothing is judged there.
    """

    judged: Floats
    right: Floats
    thresholds: Floats


class _Ranked:
    """Pairs in rising order of their scores, and the levels that they lie on."""

    def __init__(self, scores: Floats, same: npt.NDArray[np.bool_], fold: npt.NDArray[np.int64]) -> None:
        self.scores, self.same, self.fold = scores, same, fold
        self.levels = Levels.of(scores)
        self.failed = int(np.searchsorted(scores, -np.inf, "right"))  # pairs that are never accepted
        self.folds = np.unique(fold)
        self.sign = np.where(same, -1, 1).astype(np.int32)[:, None]


def _folds(ranked: _Ranked, weights: Integers) -> Folds:
    """Each fold with the threshold of the others, for weights [P, r] of the ranked pairs."""
    enrolled = slice(ranked.failed, None)  # the others are refused at any threshold, and so choose none
    levels, fold = Levels.of(ranked.scores[enrolled]), ranked.fold[enrolled]
    drawn = weights[enrolled]
    signed = drawn * ranked.sign[enrolled]
    gain, weight = levels.sums(signed), levels.sums(drawn)
    judged, right, chosen = np.zeros((3, len(ranked.folds), weights.shape[1]))
    for row, number in enumerate(ranked.folds):
        choosing = np.flatnonzero(fold == number)
        present = partial(_present, levels, weight, choosing, drawn[choosing])
        chosen[row] = best_thresholds(levels, levels.without(gain, choosing, signed[choosing]), present)
        inside = np.flatnonzero(ranked.fold == number)
        held = weights[inside] * np.isfinite(chosen[row])
        agrees = (ranked.scores[inside, None] >= chosen[row]) == ranked.same[inside, None]
        judged[row], right[row] = held.sum(0), (held * agrees).sum(0)
    return Folds(judged, right, chosen)


def _present(
    levels: Levels, weight: Integers, inside: Columns, held: Integers, columns: Columns
) -> npt.NDArray[np.bool_]:
    """Which levels weigh anything in some of the replicates, without the pairs inside a fold."""
    return levels.without(weight[:, columns], inside, held[:, columns]) > 0


def _curve_figures(
    ranked: _Ranked, weights: Integers, fars: Sequence[float]
) -> tuple[Floats, Floats, Floats, Floats]:
    levels = ranked.levels
    genuine = levels.sums(weights * ranked.same[:, None])
    impostor = levels.sums(weights * ~ranked.same[:, None])
    refused_genuine, refused_impostor = _before(genuine), _before(impostor)
    auc = _areas(genuine, impostor, refused_impostor)
    eer = _equal_errors(refused_genuine, refused_impostor)
    lowest = int(ranked.failed > 0)  # the level below is that of the pairs that are never accepted
    points = [_operating(levels, refused_genuine, refused_impostor, far, lowest) for far in fars]
    shape = (len(fars), weights.shape[1])
    tar = np.array([point[0] for point in points], np.float64).reshape(shape)
    threshold = np.array([point[1] for point in points], np.float64).reshape(shape)
    return auc, eer, tar, threshold


def _before(counts: Integers) -> Integers:
    """Running sums before each level and after the last, [levels + 1, r]."""
    sums = np.zeros((len(counts) + 1, counts.shape[1]), np.int64)
    np.cumsum(counts, axis=0, out=sums[1:])
    return sums


def _areas(genuine: Integers, impostor: Integers, refused_impostor: Integers) -> Floats:
    # half an impostor on the same level counts: a tie
    beaten = np.einsum("lr,lr->r", genuine.astype(np.float64), refused_impostor[:-1] + impostor / 2)
    return _share(beaten, genuine.sum(0, dtype=np.float64) * refused_impostor[-1])


def _equal_errors(refused_genuine: Integers, refused_impostor: Integers) -> Floats:
    frr = _share(refused_genuine, refused_genuine[-1])
    far = _share(refused_impostor[-1] - refused_impostor, refused_impostor[-1])
    after = np.maximum(np.argmax(frr >= far, axis=0), 1)
    columns = np.arange(frr.shape[1])
    far_before, far_after = far[after - 1, columns], far[after, columns]
    gap_before, gap_after = far_before - frr[after - 1, columns], frr[after, columns] - far_after
    with np.errstate(invalid="ignore"):
        return far_before + gap_before / (gap_before + gap_after) * (far_after - far_before)


def _operating(
    levels: Levels, refused_genuine: Integers, refused_impostor: Integers, far: float, lowest: int
) -> tuple[Floats, Floats]:
    """TAR and threshold at a FAR, [r] each; see `tar_at_far`."""
    totals = refused_impostor[-1]
    allowed = np.array([allowed_impostors(far, total) for total in totals.tolist()], np.int64)
    # the first level from which on few are accepted
    level = np.maximum((totals - refused_impostor > allowed).sum(0), lowest)
    columns = np.arange(len(totals))
    tar = _share(refused_genuine[-1] - refused_genuine[level, columns], refused_genuine[-1])
    threshold = np.where(totals > 0, levels.between(level), np.nan)
    return tar, threshold


def _share(part: npt.NDArray[Any], whole: npt.NDArray[Any]) -> Floats:
    """part / whole, NaN where the whole is nothing."""
    whole = np.broadcast_to(whole, part.shape)
    return np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)
