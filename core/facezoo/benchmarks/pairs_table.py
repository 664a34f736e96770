"""The table of a set of pairs, and what is to be said of the list as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, Final

from facezoo.evaluation.assessment import Assessment
from facezoo.evaluation.fixed import FixedThreshold
from facezoo.evaluation.scoring import ScoredPairs
from facezoo.table import Row, Table, number

_SHOWN: Final = 3


def pairs_table(scored: ScoredPairs, found: Assessment, own: FixedThreshold | str | None) -> Table:
    """What a set of pairs shows, and what a head's `own` threshold does to it."""
    figures = found.verification
    pairs = f"{figures.genuine:,} genuine and {figures.impostor:,} impostor pairs"
    constant = f"one constant answer would be {number(figures.majority)} % right"
    return Table(
        f"{scored.name}: {pairs}, {len(figures.fold_accuracy)}-fold; {constant}",
        list(_rows(found, own)),
        remarks=list(of_list(scored)),
        notes=[*_notes(found), *([own] if isinstance(own, str) else [])],
    )


def _rows(found: Assessment, own: FixedThreshold | str | None) -> Iterator[Row]:
    figures = found.verification
    spread = f"fold SD {number(figures.fold_sd)}, SE {number(figures.se)}"
    yield Row("accuracy", figures.accuracy, found.accuracy, note=spread)
    if isinstance(own, FixedThreshold):
        chosen = sum(figures.thresholds) / len(figures.thresholds)
        note = f"{own.threshold:.4f}, of the head; the folds chose {chosen:.4f} on average"
        yield Row("own threshold", own.accuracy, own.interval, note=note)
    yield Row("AUC", figures.auc, found.auc)
    yield Row("EER", figures.eer, found.eer)
    for point, interval in zip(found.operating, found.tar, strict=True):
        yield Row(f"TAR@FAR {point.far:g}", point.tar, interval, note=point.words)
    for far in found.unsupported:
        yield Row(f"TAR@FAR {far:g}", None, note="fewer than 10 distinct impostor pairs lie above")


def _notes(found: Assessment) -> Iterator[str]:
    yield f"intervals: {found.method}"
    if found.lowest is not None:
        kind = "impostor" if found.distinct.impostor == found.verification.impostor else "distinct impostor"
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


def _some(shown: list[str], count: int) -> str:
    more = f", and {count - len(shown):,} more: --json" if count > len(shown) else ""
    return f"{', '.join(shown)}{more}"
