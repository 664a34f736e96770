"""What a head gives back, checked: a mistake there is told in words, not by whatever trips over it later."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from torch import Tensor

from facezoo._words import printable, shown
from facezoo.errors import FacezooError

WANTED: Final = (
    "Return a 0-d floating tensor, or a dict of names and such tensors, whose sum is the loss. A value per "
    "row needs `.mean()`."
)


def loss_terms(owner: str, parts: object) -> dict[str, Tensor]:
    """What `loss(batch, scores)` returned, as terms of one number each by name, one or more.

    Raises FacezooError, which names the head by its `owner` and what it returned, for anything else.
    """
    named: dict[Any, Any] = dict(parts) if isinstance(parts, Mapping) else {"loss": parts}
    for name, part in named.items():
        # one number in one dimension works, too: that it should have none is for the conformance kit to say
        if not (isinstance(part, Tensor) and part.numel() == 1 and part.is_floating_point()):
            term = f", as its term {shown(name)}," if isinstance(parts, Mapping) else ""
            message = f"{owner}: loss(batch, scores) returned{term} {_described(part)}, not one number"
            raise FacezooError(message, WANTED)
        if not isinstance(name, str):
            raise FacezooError(f"{owner}: loss(batch, scores) names a term {shown(name)}, not a text", WANTED)
    if not named:
        raise FacezooError(f"{owner}: loss(batch, scores) returned no term", WANTED)
    return named


def own_figures(owner: str, figures: object) -> dict[str, float]:
    """What `report(images)` returned, as floats by name; FacezooError where it is something else."""
    try:
        if isinstance(figures, Mapping):
            return {printable(str(name)): float(figure) for name, figure in figures.items()}
        found = _described(figures)
    except (TypeError, ValueError, RuntimeError) as problem:
        found = str(problem)
    message = f"{owner}: report(images) must give numbers by name ({found})"
    raise FacezooError(message, "Return a dict of text and floats.")


def own_threshold(owner: str, value: object) -> float | None:
    """What `threshold()` returned, as a float or None; FacezooError where it is something else."""
    try:
        return None if value is None else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, RuntimeError) as problem:
        message = f"{owner}: threshold() must give a number or None, not {_described(value)}"
        raise FacezooError(message, "Return the cosine as a float, or None.") from problem


def subcentres_of(owner: str, head: object) -> int:
    """The head's `subcentres`, prototypes per class, at least 1; FacezooError where it is no such number."""
    found = getattr(head, "subcentres", 1)
    if isinstance(found, int) and not isinstance(found, bool) and found >= 1:
        return found
    message = f"{owner}: its subcentres are {_described(found)}, not a number from 1 on"
    raise FacezooError(message, "Set them to the number of prototypes per class, or leave them out.")


def _described(value: object) -> str:
    if isinstance(value, Tensor):
        return f"a tensor {list(value.shape)} of {str(value.dtype).removeprefix('torch.')}"
    return "None" if value is None else f"a {type(value).__name__} ({shown(value)})"
