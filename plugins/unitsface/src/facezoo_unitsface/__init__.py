"""UniTSFace for facezoo: settings and record; the loss itself is in `facezoo_unitsface.head`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from facezoo import HeadConfig, HeadSpec


class UniTSFaceConfig(HeadConfig):
    """Settings of UniTSFace (CosFace and USS-m); the defaults are the paper's and its code's."""

    scale: float = Field(default=64.0, gt=0, description="γ, the factor on all cosines, of both parts")
    margin: float = Field(
        default=0.4,
        ge=0,
        lt=1,
        description="Subtracted from the cosine to the own class vector (CosFace part)",
    )
    uss_margin: float = Field(
        default=0.1,
        ge=0,
        lt=1,
        description="m, subtracted from the cosine to the own class's last seen feature (USS part)",
    )
    combine: Literal["sum", "mean"] = Field(
        default="sum",
        description="sum: CosFace + USS, as the authors' code; mean: half of it, as the paper's words",
    )
    memory_epochs: float = Field(
        default=1.0,
        ge=0,
        description="For how many epochs the memory only fills and the CosFace part trains alone",
    )
    bias_decay: bool = Field(
        default=False,
        description="Whether weight decay acts on the learned threshold, as in the authors' code",
    )


spec = HeadSpec(
    name="unitsface",
    summary="UniTSFace: CosFace and a sample-to-sample loss with one learned threshold (USS)",
    config=UniTSFaceConfig,
    factory="facezoo_unitsface.head:UniTSFace",
    api_version=1,
    paper="Li et al., UniTSFace: Unified Threshold Integrated Sample-to-Sample Loss for Face Recognition, "
    "NeurIPS 2023 (arXiv 2311.02523)",
    tags=("cosine margin", "binary cross-entropy", "memory", "learned threshold"),
    presets={
        "paper": {"scale": 64.0, "margin": 0.4, "uss_margin": 0.1},
        "small": {"scale": 12.0, "margin": 0.35},
    },
    properties=frozenset({"memory", "scalars"}),
)
