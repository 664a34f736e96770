"""AdaFace for facezoo: settings and record; the loss itself is in `facezoo_adaface.head`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from facezoo import HeadConfig, HeadSpec, MarginGradient, PastPi


class AdaFaceConfig(HeadConfig):
    """Settings of AdaFace; the defaults are the paper's and its code's."""

    scale: float = Field(default=64.0, gt=0, description="s, the factor on all cosines")
    margin: float = Field(
        default=0.4, ge=0, lt=1, description="m, of both margins: radians of the angle, and off the cosine"
    )
    concentration: float = Field(
        default=0.333, gt=0, description="h: norms 1/h deviations off the mean are of full or no quality"
    )
    rate: float = Field(
        default=0.01, gt=0, le=1, description="Share of the batch in the running mean and deviation of norms"
    )
    start: Literal["published", "data"] = Field(
        default="published",
        description="Where the running figures start. published: mean 20, deviation 100, as in the authors' "
        "code; data: those of the first batch",
    )
    gradient: MarginGradient = "exact"
    past_pi: PastPi = "clamp"


spec = HeadSpec(
    name="adaface",
    summary="AdaFace: angular and cosine margins shifted by image quality, read from the norm",
    config=AdaFaceConfig,
    factory="facezoo_adaface.head:AdaFace",
    api_version=1,
    paper="Kim et al., AdaFace: Quality Adaptive Margin for Face Recognition, CVPR 2022 (arXiv 2204.00964)",
    tags=("angular margin", "cosine margin", "feature norm", "quality"),
    presets={
        "paper": {"scale": 64.0, "margin": 0.4, "concentration": 0.333, "rate": 0.01},
        "small": {"scale": 16.0, "margin": 0.2, "rate": 0.05, "start": "data"},
    },
    properties=frozenset({"norms"}),
)
