"""EPL for facezoo: settings and record; the loss itself is in `facezoo_epl.head`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from facezoo import HeadConfig, HeadSpec


class EPLConfig(HeadConfig):
    """Settings of EPL (CosFace on learned prototypes, and empirical ones); the defaults are the paper's."""

    scale: float = Field(default=64.0, gt=0, description="s, the factor on all cosines, of both branches")
    learned: Literal["cosface", "arcface", "bce"] = Field(
        default="cosface",
        description="The loss on learned prototypes; bce: binary cross-entropy with one learned bias",
    )
    margin: float = Field(
        default=0.4,
        ge=0,
        lt=1,
        description="m of the learned branch: off the target cosine, or radians onto the angle (arcface)",
    )
    adaptation: float = Field(
        default=0.7,
        ge=0,
        le=1,
        description="k of the empirical branch: the margin is k times the sample's own target cosine",
    )
    update: Literal["sigmoid", "softsign", "robust"] = Field(
        default="sigmoid",
        description="How much of the old prototype stays, from its cosine u to the sample. sigmoid: σ(u); "
        "softsign: u / (1 + |u|), the code's default; robust: 1 - max(0, u) / 2",
    )
    update_order: Literal["after", "before"] = Field(
        default="after",
        description="Whether samples enter their prototypes after the loss, or before it as in the code",
    )
    start_epochs: float = Field(
        default=3.0, ge=0, description="After how many epochs the empirical branch begins to count"
    )
    start_fraction: float = Field(
        default=0.0, ge=0, lt=1, description="The same as a share of the run, in place of start_epochs"
    )

    @model_validator(mode="after")
    def _one_start(self) -> EPLConfig:
        if self.start_epochs and self.start_fraction:
            raise ValueError(
                f"start_epochs ({self.start_epochs:g}) and start_fraction ({self.start_fraction:g}) both say "
                "when the empirical branch begins; set one of them to 0"
            )
        return self


spec = HeadSpec(
    name="epl",
    summary="EPL: empirical prototypes beside learned ones, with a margin that adapts to the sample",
    config=EPLConfig,
    factory="facezoo_epl.head:EPL",
    api_version=1,
    paper="Fan et al., EPL: Empirical Prototype Learning for Deep Face Recognition, 2024 (arXiv 2405.12447)",
    tags=("cosine margin", "adaptive margin", "memory"),
    presets={
        "paper": {"scale": 64.0, "margin": 0.4, "adaptation": 0.7, "start_epochs": 3.0},
        "code": {"update": "softsign", "update_order": "before"},
        "arcface": {"learned": "arcface", "margin": 0.5},
        "bce": {"learned": "bce"},
        "robust": {"update": "robust"},
        "small": {"scale": 16.0, "margin": 0.2, "start_epochs": 0.0, "start_fraction": 0.2},
    },
    properties=frozenset({"memory", "scalars"}),
)
