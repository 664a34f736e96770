"""The base of every head's settings, and types that several heads share."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


class HeadConfig(BaseModel):
    """Settings of a head: fields with defaults and ranges. Unknown names, NaN, infinity
    and values of another type are errors.

    A field's `description` is what `facezoo show-head` prints beside it. An instance cannot be changed.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False, validate_default=True
    )


def _whole_from_one_on(value: float) -> float:
    if value > 1 and value != int(value):
        raise ValueError(f"{value:g} is neither whole steps nor, below 1, a fraction of the run")
    return value


StepsOrFraction = Annotated[float, AfterValidator(_whole_from_one_on)]
"""A length in whole optimiser steps or, below 1, a fraction of the run: `context.steps(length)` counts it."""

MarginGradient = Annotated[
    Literal["exact", "detached"],
    Field(description="Slope of the margin in cos θ. exact: its own; detached: that of cos θ alone"),
]
"""`gradient` of the functions in `facezoo.margins`, as a setting."""

PastPi = Annotated[
    Literal["penalty", "clamp", "none", "continue"],
    Field(
        description="Where angle plus margin m exceeds π. penalty: cos θ - m sin m; clamp: held at π; "
        "none: the cosine turns back up; continue: mirrored, so that it keeps falling"
    ),
]
"""`past_pi` of the functions in `facezoo.margins`, as a setting."""
