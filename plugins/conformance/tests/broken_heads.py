"""Records of heads that are each broken in one way: the head `x` fails the check `x` and no other.

Installed by tests as `fixture_broken_heads`; the classes are in `broken_heads_torch.py` beside it.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from facezoo import HeadConfig, HeadSpec


class Config(HeadConfig):
    scale: float = Field(16.0, gt=0, description="what the logits are multiplied by")
    margin: float = Field(0.2, ge=0, lt=1, description="taken off the target cosine")


class Loose(BaseModel):
    model_config = ConfigDict(extra="forbid")

    scale: float = Field(16.0, gt=0, description="what the logits are multiplied by")
    margin: float = Field(0.2, ge=0, lt=1, description="taken off the target cosine")


class Choosy(Config):
    kind: Literal["early", "late"] = Field("early", description="when it breaks")
    flag: bool = Field(False, description="never admitted")

    @model_validator(mode="after")
    def _without_flag(self) -> Choosy:
        if self.flag:
            raise ValueError("flag: leave it")
        return self


class Undescribed(Config):
    secret: float = 1.0


class Paired(Config):
    pair: tuple[float, float] = Field((1.0, 2.0), description="neither JSON nor TOML has tuples")


def record(name: str, factory: str = "Plain", config: type[BaseModel] = Config, **more: object) -> HeadSpec:
    return HeadSpec(
        name=name,
        summary="For tests",
        config=config,
        factory=f"fixture_broken_heads_torch:{factory}",
        api_version=1,
        **more,
    )


NORMS, SCALARS = frozenset({"norms"}), frozenset({"scalars"})
SPECS = {
    spec.name: spec
    for spec in (
        record("plain"),
        record(
            "rich",
            "Rich",
            presets={"paper": {"scale": 64.0}},
            properties=frozenset({"memory", "class_parameters", "scalars", "norms"}),
        ),
        record("late", "Late", Choosy),
        record("strict_settings", config=Loose),
        record("described_settings", config=Undescribed),
        record("round_trip", config=Paired),
        record("presets", presets={"paper": {"margin": 7.0}}),
        record("properties", properties=frozenset({"memory"})),
        record("gradient", "Detached"),
        record("finite", "Steep"),
        record("small_problems", "Spread", properties=NORMS),
        record("zero_rows", "Pulled", properties=NORMS),
        record("permutation", "Ordered"),
        record("dtype", "Doubled"),
        record("terms", "Shaped"),
        record("figures", "Vague"),
        record("learned_values", "Idle", properties=SCALARS),
        record("learns", "Constant"),
        record("layouts", "Positional"),
        record("no_matrix", "Whole"),
        record("inputs_kept", "Sorting"),
        record("read_only", "Counting"),
        record("saving", "Shared"),
        record("resume", "Forgetful"),
        record("deterministic", "Drawn", properties=SCALARS),
    )
}
globals().update(SPECS)
requirement = record("requirement")
no_torch = record("no_torch")
