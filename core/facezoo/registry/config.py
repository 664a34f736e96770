"""The base of every head's settings."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class HeadConfig(BaseModel):
    """Settings of a head: fields with defaults and ranges. Unknown names, NaN, infinity
    and values of another type are errors.

    A field's `description` is what `facezoo show-head` prints beside it. An instance cannot be changed.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False, validate_default=True
    )
