"""ArcFace for facezoo: settings and record; the loss itself is in `facezoo_arcface.head`."""

from __future__ import annotations

from pydantic import Field, model_validator

from facezoo import HeadConfig, HeadSpec, MarginGradient, PastPi


class ArcFaceConfig(HeadConfig):
    """Settings of the combined margin cos(m1 θ + m2) - m3; the defaults are ArcFace's."""

    scale: float = Field(default=64.0, gt=0, description="s, the factor on all cosines")
    multiplier: float = Field(default=1.0, gt=0, description="m1, multiplies the angle to the own class")
    margin: float = Field(
        default=0.5,
        ge=0,
        lt=3.141592653589793,
        description="m2, radians, added to the angle to the own class",
    )
    cosine_margin: float = Field(
        default=0.0, ge=0, lt=1, description="m3, subtracted from the margined cosine"
    )
    subcentres: int = Field(
        default=1,
        ge=1,
        le=16,
        description="K, class vectors a class, of which the nearest counts; 3 for noisy labels",
    )
    gradient: MarginGradient = "exact"
    past_pi: PastPi = "penalty"

    @model_validator(mode="after")
    def _penalty_needs_plain_angle(self) -> ArcFaceConfig:
        if self.past_pi == "penalty" and self.multiplier != 1:
            raise ValueError(
                "past_pi = 'penalty' is defined for multiplier = 1 only, and multiplier is "
                f"{self.multiplier:g}; set past_pi to 'continue' (keeps falling), 'clamp' or 'none'"
            )
        return self


spec = HeadSpec(
    name="arcface",
    summary="ArcFace: the combined margin cos(m1 θ + m2) - m3 on the target angle",
    config=ArcFaceConfig,
    factory="facezoo_arcface.head:ArcFace",
    api_version=1,
    paper="Deng et al., ArcFace: Additive Angular Margin Loss for Deep Face Recognition, CVPR 2019 and "
    "TPAMI 2022 (arXiv 1801.07698)",
    tags=("angular margin", "cosine margin"),
    presets={
        "paper": {"scale": 64.0, "margin": 0.5},
        "arcface": {"margin": 0.5},
        "cosface": {"margin": 0.0, "cosine_margin": 0.35},
        "cm1": {"margin": 0.3, "cosine_margin": 0.2},
        "cm2": {"multiplier": 0.9, "margin": 0.4, "cosine_margin": 0.15, "past_pi": "continue"},
        "small": {"scale": 16.0, "margin": 0.4},
    },
)
