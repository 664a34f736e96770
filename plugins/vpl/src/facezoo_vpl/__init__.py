"""VPL for facezoo: settings and record; the loss itself is in `facezoo_vpl.head`."""

from __future__ import annotations

from pydantic import Field

from facezoo import HeadConfig, HeadSpec, MarginGradient, PastPi, StepsOrFraction


class VPLConfig(HeadConfig):
    """Settings of VPL on ArcFace; the defaults are those of the authors' code."""

    scale: float = Field(default=64.0, gt=0, description="s, the factor on all cosines")
    margin: float = Field(
        default=0.5,
        ge=0,
        lt=3.141592653589793,
        description="m, radians, added to the angle to the own class's mixed vector",
    )
    share: float = Field(
        default=0.15,
        ge=0,
        lt=1,
        description="λ, the remembered feature's share of a class vector; 0 is ArcFace",
    )
    start: StepsOrFraction = Field(
        default=8000,
        ge=0,
        description="When mixing begins: whole steps or, below 1, a share of the run; until then ArcFace "
        "trains and the memory fills",
    )
    max_age: StepsOrFraction = Field(
        default=200,
        gt=0,
        description="How long a remembered feature counts: whole steps or, below 1, a share of the run",
    )
    gradient: MarginGradient = "exact"
    past_pi: PastPi = "penalty"


spec = HeadSpec(
    name="vpl",
    summary="VPL: ArcFace on class vectors that are mixed with recent features of their class",
    config=VPLConfig,
    factory="facezoo_vpl.head:VPL",
    api_version=1,
    paper="Deng et al., Variational Prototype Learning for Deep Face Recognition, CVPR 2021",
    tags=("angular margin", "memory"),
    presets={
        "paper": {"scale": 64.0, "margin": 0.5, "share": 0.15, "start": 8000, "max_age": 200},
        "small": {"scale": 16.0, "margin": 0.4, "start": 0.1, "max_age": 0.02},
    },
    properties=frozenset({"memory"}),
)
