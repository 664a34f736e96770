"""UniTSFace for facezoo: settings and record; the loss itself is in `facezoo_unitsface.head`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from facezoo import HeadConfig, HeadSpec


class UniTSFaceConfig(HeadConfig):
    """Settings of UniTSFace (CosFace and USS-m) and its relatives; the defaults are the paper's."""

    scale: float = Field(default=64.0, gt=0, description="γ, the factor on all cosines, of both parts")
    class_loss: Literal["cosface", "arcface", "softmax", "none"] = Field(
        default="cosface",
        description="The part against class vectors; none: the pair part alone, which trains no class vector",
    )
    margin: float = Field(
        default=0.4,
        ge=0,
        lt=1,
        description="The class part's: off the cosine (cosface), or radians onto the angle (arcface)",
    )
    pair_loss: Literal["uss", "softmax", "bce"] = Field(
        default="uss",
        description="The part against last seen features. uss: one learned threshold; softmax: none; "
        "bce: one per identity",
    )
    uss_margin: float = Field(
        default=0.1,
        ge=0,
        lt=1,
        description="m of the pair part, off the cosine to the own class's last seen feature",
    )
    combine: Literal["sum", "mean"] = Field(
        default="sum",
        description="sum: of the two parts, as the authors' code; mean: half of it, as the paper's words",
    )
    memory_epochs: float = Field(
        default=1.0,
        ge=0,
        description="For how many epochs the memory only fills and the class part trains alone",
    )
    memory_fraction: float = Field(
        default=0.0, ge=0, lt=1, description="The same as a fraction of the run, in place of memory_epochs"
    )
    bias_decay: bool = Field(
        default=False,
        description="Whether weight decay acts on learned thresholds, as in the authors' code",
    )

    @model_validator(mode="after")
    def _one_start(self) -> UniTSFaceConfig:
        if self.memory_epochs and self.memory_fraction:
            raise ValueError(
                f"memory_epochs ({self.memory_epochs:g}) and memory_fraction ({self.memory_fraction:g}) both "
                "say for how long the memory only fills; set one of them to 0"
            )
        return self

    @model_validator(mode="after")
    def _pairs_alone(self) -> UniTSFaceConfig:
        if self.class_loss == "none" and (self.memory_epochs or self.memory_fraction):
            raise ValueError(
                "class_loss = 'none' leaves nothing to train while the memory only fills; "
                "set memory_epochs to 0, and memory_fraction too"
            )
        if self.class_loss == "none" and self.combine == "mean":
            raise ValueError(
                "combine = 'mean' is of two parts, and class_loss = 'none' leaves one; set combine to 'sum'"
            )
        return self


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
        "arcface": {"class_loss": "arcface", "margin": 0.5},
        "uss": {"class_loss": "none", "memory_epochs": 0.0},
        "softmax": {"pair_loss": "softmax"},
        "bce": {"pair_loss": "bce"},
        "small": {"scale": 12.0, "margin": 0.35, "memory_epochs": 0.0, "memory_fraction": 0.05},
    },
    properties=frozenset({"class_parameters", "memory", "scalars"}),
)
