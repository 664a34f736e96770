"""UniFace for facezoo: settings and record; the loss itself is in `facezoo_uniface.head`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from facezoo import HeadConfig, HeadSpec


class UniFaceConfig(HeadConfig):
    """Settings of binary cross-entropy with a learned bias; the defaults are the paper's (UCE-m)."""

    scale: float = Field(default=64.0, gt=0, description="s, the factor on all cosines")
    margin: float = Field(default=0.4, ge=0, lt=1, description="m, subtracted from the target cosine")
    bias: Literal["unified", "diverse"] = Field(
        default="unified",
        description="unified: one learned b, so one threshold for all classes; diverse: one per class",
    )
    negative_weight: float = Field(
        default=1.0,
        gt=0,
        description="λ, what the terms of the other classes count; 0.5 to 0.7 is best on CASIA-WebFace",
    )


spec = HeadSpec(
    name="uniface",
    summary="UniFace: binary cross-entropy of all classes with a learned bias, unified or diverse",
    config=UniFaceConfig,
    factory="facezoo_uniface.head:UniFace",
    api_version=1,
    paper="Zhou et al., UniFace: Unified Cross-Entropy Loss for Deep Face Recognition, ICCV 2023; Li et al., "
    "Rediscovering BCE Loss for Uniform Classification, 2024 (arXiv 2403.07289)",
    tags=("cosine margin", "binary cross-entropy", "learned threshold"),
    presets={
        "paper": {"scale": 64.0, "margin": 0.4},
        "casia": {"negative_weight": 0.7},
        "diverse": {"bias": "diverse"},
        "small": {"scale": 16.0, "margin": 0.3, "negative_weight": 0.7},
    },
    properties=frozenset({"class_parameters", "scalars"}),
)
