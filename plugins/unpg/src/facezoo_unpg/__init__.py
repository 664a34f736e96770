"""UNPG for facezoo: settings and record; the loss itself is in `facezoo_unpg.head`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from facezoo import HeadConfig, HeadSpec, MarginGradient, PastPi


class UNPGConfig(HeadConfig):
    """Settings of UNPG on ArcFace, CosFace or both margins; the defaults are UNPG's with ArcFace."""

    scale: float = Field(
        default=64.0, gt=0, description="s, the factor on all cosines, those of the pairs too"
    )
    margin: float = Field(
        default=0.5,
        ge=0,
        lt=3.141592653589793,
        description="m2, radians, added to the angle to the own class (ArcFace)",
    )
    cosine_margin: float = Field(
        default=0.0, ge=0, lt=1, description="m3, subtracted from the margined cosine (CosFace)"
    )
    whisker: Annotated[float, Field(ge=0)] | Literal["none"] = Field(
        default=1.5,
        description="Negative pairs count within so many interquartile ranges beyond the quartiles of the "
        "batch's; 'none': all count",
    )
    gradient: MarginGradient = "exact"
    past_pi: PastPi = "penalty"


spec = HeadSpec(
    name="unpg",
    summary="UNPG: the batch's own negative pairs in every sample's softmax",
    config=UNPGConfig,
    factory="facezoo_unpg.head:UNPG",
    api_version=1,
    paper="Jung et al., Unified Negative Pair Generation toward Well-discriminative Feature Space for Face "
    "Recognition, BMVC 2022 (arXiv 2203.11593)",
    tags=("angular margin", "cosine margin", "pairs"),
    presets={
        "paper": {"scale": 64.0, "margin": 0.5, "whisker": 1.5},
        "cosface": {"margin": 0.0, "cosine_margin": 0.35},
        "unfiltered": {"whisker": "none"},
        "small": {"scale": 16.0, "margin": 0.4},
    },
)
