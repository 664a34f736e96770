"""MV-Softmax for facezoo: settings and record; the loss itself is in `facezoo_mvsoftmax.head`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator, model_validator

from facezoo import HeadConfig, HeadSpec


class MVSoftmaxConfig(HeadConfig):
    """Settings of MV-Softmax; the defaults are MV-AM with adaptive re-weighting, as in the authors' code."""

    variant: Literal["am", "arc"] = Field(
        default="am", description="The margin. am: cos θ - margin (MV-AM); arc: cos(θ + margin) (MV-Arc)"
    )
    scale: float = Field(default=32.0, gt=0, description="s, the factor on all cosines")
    margin: float = Field(
        default=0.35,
        ge=0,
        lt=3.141592653589793,
        description="m, on the target only. am: subtracted from the cosine, below 1; arc: radians",
    )
    reweighting: Literal["adaptive", "fixed"] = Field(
        default="adaptive",
        description="What a class above the target gains on its cosine. adaptive: t (cos θ + 1); fixed: t",
    )
    t: float = Field(
        default=0.2,
        ge=0,
        lt=1,
        description="Emphasis on classes above the target; 0 is none (the 2018 form's t, less 1)",
    )
    positive_guard: Literal["above_zero", "none"] = Field(
        default="above_zero",
        description="above_zero: the margin acts where the target cosine is positive only; none: everywhere",
    )
    gradient: Literal["exact", "detached"] = Field(
        default="exact",
        description="For arc. exact: the margin's own derivative; detached: its value, with that of cos θ",
    )
    past_pi: Literal["penalty", "clamp", "none", "continue"] = Field(
        default="penalty",
        description="For arc with positive_guard = 'none' (or m > π/2), where θ + m exceeds π. "
        "penalty: cos θ - m sin m; clamp: held at π; none: the cosine turns back up; "
        "continue: mirrored, so that it keeps falling",
    )

    @field_validator("t", mode="before")
    @classmethod
    def _t_is_neutral_at_0(cls, t: object) -> object:
        if isinstance(t, float | int) and 1 <= t < 2:
            raise ValueError(
                f"{t:g} reads as the form of 2018 (SV-Softmax), in which 1 changes nothing; here 0 changes "
                f"nothing, and t is below 1: set t to {t - 1:.4g}"
            )
        return t

    @model_validator(mode="after")
    def _margin_fits_its_variant(self) -> MVSoftmaxConfig:
        if self.variant == "arc":
            return self
        if self.margin >= 1:
            raise ValueError(
                f"margin is {self.margin:g}, and variant = 'am' subtracts it from a cosine: set it below 1, "
                "or variant to 'arc', whose margin is an angle"
            )
        for name, default in {"gradient": "exact", "past_pi": "penalty"}.items():
            if (value := getattr(self, name)) != default:
                raise ValueError(
                    f"{name} = {value!r} is for an angular margin, and variant = 'am' has none: "
                    f"set variant to 'arc', or leave {name} at {default!r}"
                )
        return self


spec = HeadSpec(
    name="mvsoftmax",
    summary="MV-Softmax (MV-AM, MV-Arc): a margin, and more weight on the classes mistaken for the own",
    config=MVSoftmaxConfig,
    factory="facezoo_mvsoftmax.head:MVSoftmax",
    api_version=1,
    paper="Wang et al., Mis-classified Vector Guided Softmax Loss for Face Recognition, AAAI 2020 "
    "(arXiv 1912.00833)",
    tags=("cosine margin", "angular margin", "hard negatives"),
    presets={
        "paper": {"variant": "am", "scale": 32.0, "margin": 0.35, "t": 0.2},
        "arc": {"variant": "arc", "scale": 32.0, "margin": 0.35, "t": 0.2},
        "small": {"variant": "arc", "scale": 16.0, "margin": 0.4, "t": 0.05},
    },
)
