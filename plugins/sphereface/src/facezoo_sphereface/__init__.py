"""SphereFace (A-Softmax, SphereFace-R) for facezoo: settings and record; see `facezoo_sphereface.head`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from facezoo import HeadConfig, HeadSpec, MarginGradient


class SphereFaceConfig(HeadConfig):
    """Settings of A-Softmax and SphereFace-R; the defaults are A-Softmax's, the paper's and its code's.

    Weight of the plain cosine at training step k:
    λ = max(lambda_min, lambda_start (1 + lambda_rate k)^-lambda_power). `lambda_window` gives the rate by the
    fraction of the run after which λ is at lambda_min.
    """

    variant: Literal["a-softmax", "r-v1", "r-v2"] = Field(
        default="a-softmax",
        description="a-softmax: annealed, of 2017; SphereFace-R, without annealing: r-v1: own angle times m, "
        "up to π; r-v2: angles to the other classes divided by m",
    )
    margin: float = Field(
        default=4.0,
        ge=1,
        description="m, multiplies the angle to the own class (r-v2: divides the others); "
        "need not be an integer; 1 is modified softmax",
    )
    lambda_start: float = Field(
        default=1000.0,
        ge=0,
        description="λ_0, weight of the plain cosine against the margin at the first step",
    )
    lambda_rate: float = Field(
        default=0.12, ge=0, description="γ, how fast λ falls, per step; 0 where lambda_window is set"
    )
    lambda_window: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="Instead of lambda_rate: λ falls to lambda_min in this fraction of the run",
    )
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
    gradient: MarginGradient = "exact"

    @model_validator(mode="after")
    def _floor_below_start(self) -> SphereFaceConfig:
        if self.lambda_min > self.lambda_start:
            raise ValueError(
                f"lambda_min is {self.lambda_min:g}, above lambda_start {self.lambda_start:g}; "
                "λ falls from lambda_start to lambda_min: lower lambda_min or raise lambda_start"
            )
        return self

    @model_validator(mode="after")
    def _one_fall(self) -> SphereFaceConfig:
        if self.lambda_window == 0:
            return self
        if self.lambda_rate:
            raise ValueError(
                f"lambda_rate is {self.lambda_rate:g} and lambda_window {self.lambda_window:g}; both say how "
                "fast λ falls, per step and by a fraction of the run: set one of them to 0"
            )
        if not self.lambda_min or not self.lambda_power:
            raise ValueError(
                "lambda_window says when λ reaches lambda_min: that and lambda_power must be above 0"
            )
        return self

    @model_validator(mode="after")
    def _revived_is_not_annealed(self) -> SphereFaceConfig:
        if self.variant != "a-softmax" and (self.lambda_start, self.lambda_min) != (0, 0):
            raise ValueError(
                f"variant = {self.variant!r} has no annealing, and lambda_start is {self.lambda_start:g}, "
                f"lambda_min {self.lambda_min:g}: set both to 0, or start from the preset {self.variant!r}"
            )
        return self


REVIVED = {"feature_norm": "fixed", "gradient": "detached", "lambda_start": 0.0, "lambda_min": 0.0}

spec = HeadSpec(
    name="sphereface",
    summary="SphereFace (A-Softmax): a multiplied angle, annealed, with free or fixed feature norms; "
    "and SphereFace-R",
    config=SphereFaceConfig,
    factory="facezoo_sphereface.head:SphereFace",
    api_version=1,
    paper="Liu et al., SphereFace: Deep Hypersphere Embedding for Face Recognition, CVPR 2017 "
    "(arXiv 1704.08063); Liu et al., SphereFace Revived: Unifying Hyperspherical Face Recognition, "
    "TPAMI 2022 (arXiv 2109.05565)",
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
        "r-v1": {"variant": "r-v1", "margin": 1.5, "scale": 30.0, **REVIVED},
        "r-v2": {"variant": "r-v2", "margin": 1.4, "scale": 60.0, **REVIVED},
        "small": {
            "lambda_start": 100.0,
            "margin": 2.0,
            "lambda_min": 2.0,
            "lambda_rate": 0.0,
            "lambda_window": 0.8,
        },
    },
    properties=frozenset({"norms"}),
)
