"""The words of a figure: which head it is, and what exactly was measured."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from facezoo_plot.curves import HeadCurves
from facezoo_plot.geometry import CLASSES
from facezoo_plot.made_up_run import CALLS, ROWS, SPREAD
from facezoo_plot.scene import NORM


def label(head: HeadCurves) -> str:
    """The head, its preset, and the settings that differ from the defaults."""
    name = head.head if head.preset is None else f"{head.head}@{head.preset}"
    differing = ", ".join(f"{key} = {_value(value)}" for key, value in head.settings.items())
    return f"{name} ({differing})" if differing else name


def notes(heads: Sequence[HeadCurves]) -> Iterator[str]:
    """The lines below a figure."""
    yield (
        "Logits and boundary: two classes, one embedding alone. Slopes are those that are propagated back. "
        f"The embedding's norm is {NORM:g} unless it is the axis."
    )
    yield from filter(None, (_reading(head) for head in heads))
    yield f"Pull and push: {CLASSES} classes, one embedding of a batch of {ROWS + 1}."
    yield (
        f"State: the end of a made-up run ({CALLS} calls, embeddings at 45° to their class, norms {NORM:g} ± "
        f"{SPREAD:g}). Every start is past, memories hold the class vectors, learned numbers are where they "
        "start."
    )
    numbers = [f"{head.head}: {_numbers(head)}" for head in heads if head.numbers]
    if numbers:
        yield f"The heads' own numbers then: {'; '.join(numbers)}."


def _reading(head: HeadCurves) -> str:
    parts = ", ".join(head.parts)
    if head.kind == "part":
        return (
            f"{head.head}: logits and boundary are those of its part “{parts}”; pull and push of all parts."
        )
    if head.kind == "effective":
        return (
            f"{head.head}: logits are effective, those at which a cross-entropy of two classes has the same "
            "loss; the boundary is where it is log 2."
        )
    return ""


def _numbers(head: HeadCurves) -> str:
    return ", ".join(f"{name} = {value:.4g}" for name, value in head.numbers.items())


def _value(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
