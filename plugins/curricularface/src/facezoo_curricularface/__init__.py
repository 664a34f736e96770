"""CurricularFace for facezoo: settings and record; the loss itself is in `facezoo_curricularface.head`."""

from __future__ import annotations

from pydantic import Field, model_validator

from facezoo import HeadConfig, HeadSpec, MarginGradient, PastPi


class CurricularFaceConfig(HeadConfig):
    """Settings of CurricularFace; the defaults are the paper's and its code's."""

    scale: float = Field(default=64.0, gt=0, description="s, the factor on all cosines")
    margin: float = Field(
        default=0.5,
        ge=0,
        lt=3.141592653589793,
        description="m, radians, added to the angle to the own class",
    )
    rate: float = Field(
        default=0.01,
        ge=0,
        le=1,
        description="Weight of a batch in t, the running mean of the target cosines; 0 where window is set",
    )
    window: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="Instead of rate, for short runs: t looks back over this fraction of the run",
    )
    gradient: MarginGradient = "exact"
    past_pi: PastPi = "penalty"

    @model_validator(mode="after")
    def _one_pace(self) -> CurricularFaceConfig:
        if (self.rate > 0) == (self.window > 0):
            state = "both set" if self.rate > 0 else "both 0"
            raise ValueError(
                f"rate and window are {state}; they say the same thing, a batch's weight and the fraction of "
                "the run that the mean covers: set one of them and the other to 0"
            )
        return self


spec = HeadSpec(
    name="curricularface",
    summary="CurricularFace: ArcFace whose hard negatives weigh more as training advances",
    config=CurricularFaceConfig,
    factory="facezoo_curricularface.head:CurricularFace",
    api_version=1,
    paper="Huang et al., CurricularFace: Adaptive Curriculum Learning Loss for Deep Face Recognition, "
    "CVPR 2020 (arXiv 2004.00288)",
    tags=("angular margin", "hard negatives", "running statistics"),
    presets={
        "paper": {"scale": 64.0, "margin": 0.5, "rate": 0.01},
        "small": {"scale": 16.0, "margin": 0.4, "rate": 0.0, "window": 0.05},
    },
)
