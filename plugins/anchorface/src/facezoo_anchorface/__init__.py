"""AnchorFace for facezoo, reconstructed: settings and record; the loss is in `facezoo_anchorface.head`."""

from __future__ import annotations

from pydantic import Field

from facezoo import HeadConfig, HeadSpec, MarginGradient, PastPi, StepsOrFraction


class AnchorFaceConfig(HeadConfig):
    """Settings of AnchorFace on ArcFace, CosFace or both margins; reported defaults, else the
    reconstruction's.
    """

    scale: float = Field(default=64.0, gt=0, description="s, the factor on all cosines of the base loss")
    margin: float = Field(
        default=0.5,
        ge=0,
        lt=3.141592653589793,
        description="m2, radians, added to the angle to the own class (ArcFace)",
    )
    cosine_margin: float = Field(
        default=0.0, ge=0, lt=1, description="m3, subtracted from the margined cosine (CosFace)"
    )
    anchor_far: float = Field(
        default=1e-4,
        gt=0,
        lt=1,
        description="The false accept rate at which the true accept rate is raised",
    )
    temperature: float = Field(
        default=0.01, gt=0, description="τ, width in cosine of the soft step at the threshold"
    )
    far_weight: float = Field(
        default=1000.0,
        ge=0,
        description="Weight of the FAR loss; it stands near anchor_far, so about 0.1 / anchor_far",
    )
    tar_weight: float = Field(default=1.0, ge=0, description="Weight of the TAR loss")
    per_identity: int = Field(
        default=5, ge=1, le=64, description="K, how many features of an identity are stored, the newest"
    )
    max_age: StepsOrFraction = Field(
        default=1000,
        gt=0,
        description="M, how long a stored feature counts: whole steps or, below 1, a share of the run",
    )
    gradient: MarginGradient = "exact"
    past_pi: PastPi = "penalty"


spec = HeadSpec(
    name="anchorface",
    summary="AnchorFace, reconstructed: soft TAR and FAR at an anchor FAR, on pairs with stored features",
    config=AnchorFaceConfig,
    factory="facezoo_anchorface.head:AnchorFace",
    api_version=1,
    paper="Liu et al., AnchorFace: Boosting TAR@FAR for Practical Face Recognition, AAAI 2022",
    tags=("reconstructed", "angular margin", "cosine margin", "pairs", "memory", "operating point"),
    presets={
        "paper": {
            "scale": 64.0,
            "margin": 0.5,
            "temperature": 0.01,
            "far_weight": 1000.0,
            "per_identity": 5,
            "max_age": 1000,
        },
        "cosface": {"margin": 0.0, "cosine_margin": 0.35},
        "small": {
            "scale": 16.0,
            "margin": 0.4,
            "anchor_far": 1e-3,
            "temperature": 0.05,
            "far_weight": 100.0,
            "max_age": 0.1,
        },
    },
    properties=frozenset({"memory"}),
)
