"""JAMsFace for facezoo, reconstructed: settings and record; the loss itself is in `facezoo_jamsface.head`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from facezoo import HeadConfig, HeadSpec, MarginGradient, PastPi


class JAMsFaceConfig(HeadConfig):
    """Settings of JAMsFace; the defaults are the reconstruction's."""

    scale: float = Field(default=64.0, gt=0, description="s, the factor on all cosines")
    regulariser: Literal["anchor", "linear"] = Field(
        default="anchor",
        description="What holds the margins up. anchor: a spring to a value out of reach, both margins stay "
        "inside; linear: a constant pull, as AdaptiveFace's",
    )
    angle_start: float = Field(default=0.3, description="a of every class at first, radians")
    angle_min: float = Field(
        default=0.0,
        ge=0,
        description="Lower bound of a; equal to the upper bound it fixes a, without regulariser",
    )
    angle_max: float = Field(default=0.8, lt=1.5707963267948966, description="Upper bound of a")
    angle_anchor: float = Field(default=1.0, description="a*, where the anchor regulariser pulls a to")
    angle_weight: float = Field(default=1 / 3, ge=0, description="λ_a / s, weight of the regulariser on a")
    cosine_start: float = Field(default=0.2, description="b of every class at first")
    cosine_min: float = Field(
        default=0.0,
        ge=0,
        description="Lower bound of b; equal to the upper bound it fixes b, without regulariser",
    )
    cosine_max: float = Field(default=0.5, lt=1, description="Upper bound of b")
    cosine_anchor: float = Field(default=0.6, description="b*, where the anchor regulariser pulls b to")
    cosine_weight: float = Field(default=2 / 3, ge=0, description="λ_b / s, weight of the regulariser on b")
    margin_lr: float = Field(
        default=0.1, gt=0, description="Learning rate of the margins as a multiple of the run's"
    )
    gradient: MarginGradient = "exact"
    past_pi: PastPi = "penalty"

    @model_validator(mode="after")
    def _starts_lie_within_bounds(self) -> JAMsFaceConfig:
        _check_start("angle", self.angle_min, self.angle_start, self.angle_max)
        _check_start("cosine", self.cosine_min, self.cosine_start, self.cosine_max)
        return self


def _check_start(margin: str, low: float, start: float, high: float) -> None:
    if not low <= start <= high:
        raise ValueError(
            f"{margin}_start = {start:g} does not lie within {margin}_min = {low:g} and {margin}_max = "
            f"{high:g}; move it between them, or set all three to one value to fix the margin"
        )


spec = HeadSpec(
    name="jamsface",
    summary="JAMsFace, reconstructed: learned angular and cosine margins of each class",
    config=JAMsFaceConfig,
    factory="facezoo_jamsface.head:JAMsFace",
    api_version=1,
    paper="JAMsFace: joint adaptive margins loss for deep face recognition, Neural Computing and "
    "Applications 2023 (doi 10.1007/s00521-023-08732-5)",
    tags=("reconstructed", "angular margin", "cosine margin", "learned margins", "class imbalance"),
    presets={
        "paper": {"scale": 64.0, "regulariser": "anchor"},
        "small": {
            "scale": 16.0,
            "angle_start": 0.2,
            "angle_max": 0.5,
            "angle_anchor": 0.6,
            "angle_weight": 1.0,
            "cosine_start": 0.1,
            "cosine_max": 0.25,
            "cosine_anchor": 0.3,
            "cosine_weight": 2.5,
        },
    },
    properties=frozenset({"class_parameters"}),
)
