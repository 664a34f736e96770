"""A run's settings, resolved: every value, checked, and where each came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from facezoo._words import shown
from facezoo.errors import FacezooError
from facezoo.registry import LoadedHead, installed_heads, load_head
from facezoo.registry.explain import explained
from facezoo.settings.layers import Layered, layered
from facezoo.settings.sections import (
    EMBEDDED,
    BackboneSettings,
    DataSettings,
    EvaluateSettings,
    OptimizerSettings,
    Section,
    TrainSettings,
)

S = TypeVar("S", bound=Section)

FROM_EMBEDDED = f"data.path {EMBEDDED}"
"""The origin of what the embedded data decides."""
FOR_EMBEDDED = "small"
"""The preset that the embedded data is trained with unless another is named."""
EMBEDDED_RECIPE: Mapping[str, Mapping[str, object]] = {
    "data": {"crop": 0.8, "jitter": 0.3, "erase": 0.5},
    "train": {"epochs": 60},
    "optimizer": {"weight_decay": 5e-3, "warmup_epochs": 1.0},
}
"""What stands in place of the defaults for the embedded data: 300 images are soon learned by heart."""


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """Everything that decides what a run computes."""

    head: LoadedHead
    head_name: str
    """The head as it was asked for: `head`, or `dist:head`."""
    head_config: BaseModel
    preset: str | None
    data: DataSettings
    backbone: BackboneSettings
    train: TrainSettings
    optimizer: OptimizerSettings
    evaluate: EvaluateSettings
    origins: Mapping[str, str]
    """`section.key` -> "default", "preset paper", the file's name, "--head" and its kind, or "--set"."""


def resolve(
    toml_path: Path | None = None,
    preset: str | None = None,
    flags: Mapping[str, object] | None = None,
    sets: Sequence[str] = (),
) -> RunSettings:
    """Resolve a run's settings: defaults < the head's preset < the TOML file < `flags` and `sets`.

    The embedded data has a recipe of its own: `EMBEDDED_RECIPE` in place of the defaults and, where no preset
    is named, a head's preset `small`, if it has one, since published scales and margins are for thousands of
    identities, and the embedded data has thirty.

    `flags` maps `section.key` to a value; `sets` holds texts `section.key=value`, the value a TOML literal
    or a bare word. Paths come out absolute: relative ones in the file start from its folder (in one that
    facezoo wrote before it noted that, from the working directory), all others from the working directory.

    The head is loaded, torch is not. Raises `FacezooError` for a head that cannot be used, an unknown section
    or setting ("did you mean"), or a value that is not admitted.
    """
    given = dict(flags or {})
    if preset is not None:
        given["head.preset"] = preset
    layers = layered(toml_path, given, sets)
    head_name, chosen = _text(layers, "name"), _text(layers, "preset")
    if head_name is None:
        names = sorted({entry.name for entry in installed_heads() if entry.status == "ok"})
        message = "head.name: must be set: which head is to be trained?"
        raise FacezooError(message, f"Say --head NAME. Installed: {', '.join(names) or 'none'}.")
    return _resolved(layers, load_head(head_name), head_name, chosen)


def _text(layers: Layered, key: str) -> str | None:
    """`head.name` and `head.preset` stand beside the head's settings; neither is one of them."""
    value = layers.values["head"].pop(key, None)
    if value is None or isinstance(value, str):
        return value
    raise FacezooError(
        f"head.{key}: must be a string; it is {shown(value)} ({layers.origins[f'head.{key}']})"
    )


def _resolved(layers: Layered, head: LoadedHead, head_name: str, preset: str | None) -> RunSettings:
    if _is_embedded(layers):
        for section, values in EMBEDDED_RECIPE.items():
            layers.add_under(section, values, FROM_EMBEDDED)
        if preset is None and FOR_EMBEDDED in head.spec.presets:
            preset = FOR_EMBEDDED
            layers.origins["head.preset"] = FROM_EMBEDDED
    if preset is not None:
        layers.add_under("head", head.preset(preset), f"preset {preset}")
    layers.origins.setdefault("head.preset", "default")
    return RunSettings(
        head=head,
        head_name=head_name,
        head_config=_head_config(layers, head),
        preset=preset,
        data=_section(layers, "data", DataSettings),
        backbone=_section(layers, "backbone", BackboneSettings),
        train=_section(layers, "train", TrainSettings),
        optimizer=_section(layers, "optimizer", OptimizerSettings),
        evaluate=_section(layers, "evaluate", EvaluateSettings),
        origins=layers.origins,
    )


def _is_embedded(layers: Layered) -> bool:
    return layers.values["data"].get("path", DataSettings.model_fields["path"].default) == EMBEDDED


def _head_config(layers: Layered, head: LoadedHead) -> BaseModel:
    config = head.configure(layers.values["head"], origins=layers.origins)
    _note_defaults(layers, "head", config)
    return config


def _section(layers: Layered, name: str, model: type[S]) -> S:
    try:
        section = model.model_validate(layers.values[name])
    except ValidationError as error:
        raise explained(name, model, error, layers.origins) from error
    _note_defaults(layers, name, section)
    return section


def _note_defaults(layers: Layered, name: str, section: BaseModel) -> None:
    for key in type(section).model_fields:
        layers.origins.setdefault(f"{name}.{key}", "default")
