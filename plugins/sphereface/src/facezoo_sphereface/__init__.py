"""SphereFace (A-Softmax) for facezoo: settings and record; the loss is in `facezoo_sphereface.head`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from facezoo import HeadConfig, HeadSpec


class SphereFaceConfig(HeadConfig):
    """Settings of A-Softmax; the defaults are the paper's and its code's.

    Weight of the plain cosine at training step k:
    λ = max(lambda_min, lambda_start (1 + lambda_rate k)^-lambda_power).
    """

    margin: float = Field(
        default=4.0,
        ge=1,
        description="m, multiplies the angle to the own class; need not be an integer; 1 is modified softmax",
    )
    lambda_start: float = Field(
        default=1000.0,
        ge=0,
        description="λ_0, weight of the plain cosine against the margin at the first step",
    )
    lambda_rate: float = Field(default=0.12, ge=0, description="γ, how fast λ falls, per step")
    lambda_power: float = Field(default=1.0, ge=0, description="Exponent of the fall of λ")
    lambda_min: float = Field(default=5.0, ge=0, description="λ_min, below which λ never falls")
    feature_norm: Literal["free", "fixed"] = Field(
        default="free",
        description="free: logits are multiplied by the norm of the embedding; fixed: by `scale`",
    )
    scale: float = Field(
        default=30.0,
        gt=0,
        description="s, the factor on all cosines with feature_norm = 'fixed'; without effect with 'free'",
    )
    gradient: Literal["exact", "detached"] = Field(
        default="exact",
        description="exact: the margin's own derivative; detached: its value, with the derivative of cos θ",
    )

    @model_validator(mode="after")
    def _floor_below_start(self) -> SphereFaceConfig:
        if self.lambda_min > self.lambda_start:
            raise ValueError(
                f"lambda_min is {self.lambda_min:g}, above lambda_start {self.lambda_start:g}; "
                "λ falls from lambda_start to lambda_min: lower lambda_min or raise lambda_start"
            )
        return self


spec = HeadSpec(
    name="sphereface",
    summary="SphereFace (A-Softmax): a multiplied angle, annealed, with free or fixed feature norms",
    config=SphereFaceConfig,
    factory="facezoo_sphereface.head:SphereFace",
    api_version=1,
    paper="Liu et al., SphereFace: Deep Hypersphere Embedding for Face Recognition, CVPR 2017 "
    "(arXiv 1704.08063)",
    tags=("angular margin", "feature norm", "annealing"),
    presets={
        "paper": {},
        "fixed-norm": {
            "margin": 1.7,
            "feature_norm": "fixed",
            "scale": 30.0,
            "gradient": "detached",
            "lambda_start": 0.0,
            "lambda_min": 0.0,
        },
        "small": {"lambda_start": 100.0, "margin": 2.0, "lambda_min": 2.0},
    },
    properties=frozenset({"norms"}),
)
