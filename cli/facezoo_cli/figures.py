"""Figures as text: percentages, intervals and the lines that surround them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from facezoo.evaluation import Assessment, FixedThreshold, Geometry, Interval, UniformAccuracy
    from facezoo.evaluation.scoring import ScoredPairs


def percent(fraction: float | None, digits: int = 2) -> str:
    """A fraction in percent, without the sign."""
    return "undefined" if fraction is None else f"{100 * fraction:.{digits}f}"


def percent_interval(interval: Interval | None, digits: int = 2) -> str:
    """An interval of fractions in percent."""
    return (
        "none" if interval is None else f"{100 * interval.low:.{digits}f} to {100 * interval.high:.{digits}f}"
    )


def number_interval(interval: Interval | None) -> str:
    """An interval of cosines or distances."""
    return "none" if interval is None else f"{interval.low:.4f} to {interval.high:.4f}"


def of_pairs(scored: ScoredPairs, found: Assessment, own: FixedThreshold | None = None) -> Iterator[str]:
    """The lines that say what a set of pairs shows, and what a head's `own` threshold does to it."""
    figures = found.verification
    pairs = f"{figures.genuine:,} genuine and {figures.impostor:,} impostor pairs"
    constant = f"one constant answer would be {percent(figures.majority)} % right"
    yield f"{scored.name}: {pairs}, {len(figures.fold_accuracy)}-fold; {constant}"
    yield from left_out(scored)
    yield f"{'%':<14}{'figure':>10}   95 % interval"
    spread = f"fold SD {percent(figures.fold_sd)}, SE {percent(figures.se)}"
    yield _row("accuracy", figures.accuracy, found.accuracy, spread)
    if own is not None:
        chosen = sum(figures.thresholds) / len(figures.thresholds)
        note = f"{own.threshold:.4f}, of the head; the folds chose {chosen:.4f} on average"
        yield _row("own threshold", own.accuracy, own.interval, note)
    yield _row("AUC", figures.auc, found.auc)
    yield _row("EER", figures.eer, found.eer)
    for point, interval in zip(found.operating, found.tar, strict=True):
        above = (
            f"{point.accepted_impostors:,} of {point.impostors:,} impostor pairs reach {point.threshold:.5f}"
        )
        yield _row(f"TAR@FAR {point.far:g}", point.tar, interval, above)
    yield f"intervals: {found.method}"
    if found.lowest is not None:
        yield f"lowest FAR: {found.lowest:.2g}, which 10 of the {figures.impostor:,} impostor pairs reach"


def left_out(scored: ScoredPairs) -> Iterator[str]:
    """What is missing from a set of pairs, if anything is."""
    if scored.left_out:
        total = scored.left_out + len(scored.same)
        yield (
            f"left out: {scored.left_out:,} of {total:,} pairs, whose images have no embedding "
            f"({len(scored.missing):,} images, such as {scored.missing[0]!r})"
        )


def of_classes(found: UniformAccuracy) -> Iterator[str]:
    """The lines that say how uniform a classification is."""
    yield f"uniform classification: {found.samples:,} images of {found.classes:,} identities"
    yield f"{'%':<14}{'figure':>10}"
    yield f"{'A_uni':<14}{percent(found.uni):>10}   one threshold for all{_threshold(found)}"
    yield f"{'A_class':<14}{percent(found.by_class):>10}   the best threshold of each identity"
    yield f"{'A_sample':<14}{percent(found.by_sample):>10}   no threshold: own identity above all others"
    if found.gap is not None and found.learned is not None:
        yield f"the loss learned the threshold {found.learned:.4f}: {found.gap:.4f} away"


def of_angles(found: Geometry) -> Iterator[str]:
    """The lines that say how embeddings lie."""
    yield f"angles between embeddings: {found.images:,} images of {found.classes:,} identities"
    yield f"{'degrees':<16}{'greatest':>10}{'mean':>10}{'smallest':>10}"
    yield f"{'one identity':<16}{_degrees(found.intra_max)}{_degrees(found.intra_mean)}{'':>10}".rstrip()
    yield f"{'two identities':<16}{'':>10}{_degrees(found.inter_mean)}{_degrees(found.inter_min)}"
    yield (
        f"{percent(found.criterion)} % of {found.judged:,} identities have no angle within "
        "as great as the smallest to another"
    )


def _row(name: str, figure: float | None, interval: Interval | None, note: str = "") -> str:
    # without a spread there is no interval: no draw of people contained an error, or each the same
    text = "no draw differs" if interval and interval.low == interval.high else percent_interval(interval)
    return f"{name:<14}{percent(figure):>10}   {text:<18}{note}".rstrip()


def _threshold(found: UniformAccuracy) -> str:
    return "" if found.threshold is None else f", {found.threshold:.4f}"


def _degrees(angle: float | None) -> str:
    return f"{'undefined' if angle is None else f'{angle:.1f}':>10}"
