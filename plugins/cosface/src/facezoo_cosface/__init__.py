"""CosFace (LMCL) for facezoo: settings and record; the loss itself is in `facezoo_cosface.head`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from facezoo import HeadConfig, HeadSpec


class CosFaceConfig(HeadConfig):
    """Settings of CosFace; the defaults are the paper's."""

    scale: Annotated[float, Field(gt=0)] | Literal["auto"] = Field(
        default=64.0,
        description="s, the factor on all cosines; 'auto': the smallest at which the target can reach 0.999",
    )
    margin: float = Field(
        default=0.35,
        ge=0,
        lt=1,
        description="m, subtracted from the target cosine; 0 is NormFace (softmax over scaled cosines)",
    )


spec = HeadSpec(
    name="cosface",
    summary="CosFace (LMCL): an additive margin on the target cosine",
    config=CosFaceConfig,
    factory="facezoo_cosface.head:CosFace",
    api_version=1,
    paper="Wang et al., CosFace: Large Margin Cosine Loss for Deep Face Recognition, CVPR 2018 "
    "(arXiv 1801.09414)",
    tags=("cosine margin",),
    presets={
        "paper": {"scale": 64.0, "margin": 0.35},
        "small": {"scale": 18.0, "margin": 0.2},
        "normface": {"scale": 18.0, "margin": 0.0},
    },
)
