"""MagFace for facezoo: settings and record; the loss itself is in `facezoo_magface.head`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from facezoo import HeadConfig, HeadSpec, MarginGradient, PastPi


class MagFaceConfig(HeadConfig):
    """Settings of MagFace; the defaults are the paper's."""

    scale: float = Field(default=64.0, gt=0, description="s, the factor on all cosines")
    lower_norm: float = Field(
        default=10.0, gt=0, description="l_a, norms below it count as it; they then have no gradient"
    )
    upper_norm: float = Field(
        default=110.0, gt=0, description="u_a, norms above it count as it; they then have no gradient"
    )
    lower_margin: float = Field(
        default=0.45, ge=0, lt=3.141592653589793, description="l_m, radians, the margin at the lower norm"
    )
    upper_margin: float = Field(
        default=0.8, ge=0, lt=3.141592653589793, description="u_m, radians, the margin at the upper norm"
    )
    norm_weight: float = Field(
        default=35.0, ge=0, description="λ_g, weight of g(a) = 1/a + a/u_a², which draws norms up"
    )
    positive_guard: Literal["none", "above_zero"] = Field(
        default="none",
        description="none: the margin acts at all angles, as in the paper; above_zero: where cos θ > 0 only, "
        "as in the authors' code",
    )
    gradient: MarginGradient = "exact"
    past_pi: PastPi = "penalty"

    @model_validator(mode="after")
    def _bounds_are_in_order(self) -> MagFaceConfig:
        if not self.lower_norm < self.upper_norm:
            raise ValueError(
                f"lower_norm = {self.lower_norm:g} must be less than upper_norm = {self.upper_norm:g}; "
                "choose them around the norms that the backbone gives"
            )
        if not self.lower_margin <= self.upper_margin:
            raise ValueError(
                f"lower_margin = {self.lower_margin:g} exceeds upper_margin = {self.upper_margin:g}; "
                "long embeddings are to have the larger margin"
            )
        return self


spec = HeadSpec(
    name="magface",
    summary="MagFace: an angular margin that grows with the embedding's norm",
    config=MagFaceConfig,
    factory="facezoo_magface.head:MagFace",
    api_version=1,
    paper="Meng et al., MagFace: A Universal Representation for Face Recognition and Quality Assessment, "
    "CVPR 2021 (arXiv 2103.06627)",
    tags=("angular margin", "feature norm", "quality"),
    presets={
        "paper": {
            "scale": 64.0,
            "lower_norm": 10.0,
            "upper_norm": 110.0,
            "lower_margin": 0.45,
            "upper_margin": 0.8,
            "norm_weight": 35.0,
        },
        "small": {
            "scale": 16.0,
            "lower_norm": 8.0,
            "upper_norm": 32.0,
            "lower_margin": 0.25,
            "upper_margin": 0.6,
            "norm_weight": 20.0,
        },
    },
    properties=frozenset({"norms"}),
)
