"""Figures as text: percentages, intervals and the lines that surround them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from facezoo.evaluation import Assessment, FixedThreshold, Geometry, Interval, UniformAccuracy
    from facezoo.evaluation.scoring import ScoredPairs

FAILED: Final = ("reject", "drop")
FAILED_HELP: Final = "What images without an embedding's direction count as; refused if not given."
_SHOWN: Final = 3


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
    yield from of_list(scored)
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
    for far in found.unsupported:
        yield f"{f'TAR@FAR {far:g}':<14}{'undefined':>10}   fewer than 10 distinct impostor pairs lie above"
    yield f"intervals: {found.method}"
    if found.lowest is not None:
        kind = "impostor" if found.distinct.impostor == figures.impostor else "distinct impostor"
        impostors = f"{found.distinct.impostor:,} {kind} pairs"
        yield f"lowest FAR: {found.lowest:.2g}, which 10 of the {impostors} reach"


def of_list(scored: ScoredPairs) -> Iterator[str]:
    """What is to be said of a list of pairs as a whole: one line per thing that is out of the ordinary."""
    yield from _left_out(scored)
    yield from _failures(scored)
    yield from scored.listing.words if scored.listing is not None else ()
    yield from _contradictions(scored)


def list_as_dict(scored: ScoredPairs) -> dict[str, Any]:
    """The same as it is written to JSON."""
    return {
        "pairs": scored.name,
        "left_out": scored.left_out,
        "missing": list(scored.missing),
        "listed_again": scored.listing.again if scored.listing is not None else 0,
        "contradictions": scored.contradictions,
        "contradicting": [asdict(pair) for pair in scored.contradicting],
        "failed": scored.failures and scored.failures.as_dict(),
    }


def _left_out(scored: ScoredPairs) -> Iterator[str]:
    if scored.left_out:
        dropped = scored.failures.pairs if scored.failures and scored.failures.taken_as == "drop" else 0
        total = scored.left_out + len(scored.same) + dropped
        yield (
            f"left out: {scored.left_out:,} of {total:,} pairs, whose images have no embedding "
            f"({len(scored.missing):,} images, such as {scored.missing[0]!r})"
        )


def _failures(scored: ScoredPairs) -> Iterator[str]:
    if scored.failures is not None:
        images, became = scored.failures.images, {"reject": "rejected", "drop": "left out"}
        shown = _some([repr(name) for name in images[:_SHOWN]], len(images))
        pairs = f"their {scored.failures.pairs:,} pairs are {became[scored.failures.taken_as]}"
        yield f"failed to enrol: {len(images):,} images; {pairs} ({shown})"


def _contradictions(scored: ScoredPairs) -> Iterator[str]:
    if not scored.contradictions:
        return
    named = [
        f"{pair.a!r} {pair.b!r} {'genuine' if pair.same else 'impostor'}"
        for pair in scored.contradicting[:_SHOWN]
    ]
    shown = _some(named, scored.contradictions)
    found = f"{scored.contradictions:,} of {len(scored.same):,} pairs"
    if scored.units is None:
        yield f"identities are unknown: {found} contradict the folders of their images ({shown})"
    else:
        yield f"contradictory: the labels of {found} are not what the folders of their images say ({shown})"


def failed_images(count: int, taken_as: str | None) -> list[str]:
    """The line that says how many images failed to enrol, if any did."""
    became = (
        "count as told apart by no threshold, and have no angles" if taken_as == "reject" else "are left out"
    )
    return [f"failed to enrol: {count:,} images, which {became}"] if count else []


def files_left_out(count: int) -> list[str]:
    """The line that says how many files of a folder are no part of the figures, if there are any."""
    return [f"left out: {count:,} files or folders, which `facezoo data check` names"] if count else []


def _some(shown: list[str], count: int) -> str:
    more = f", and {count - len(shown):,} more: --json" if count > len(shown) else ""
    return f"{', '.join(shown)}{more}"


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
