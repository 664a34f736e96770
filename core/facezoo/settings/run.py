"""A run's settings, resolved: every value, checked, and where each came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from facezoo._words import shown
from facezoo.errors import FacezooError
from facezoo.registry import LoadedHead, installed_heads, load_head
from facezoo.registry.explain import explained
from facezoo.registry.loading import broken
from facezoo.registry.sources import KIND, Source, default_source, meant_by
from facezoo.settings.layers import Layered, layered
from facezoo.settings.sections import (
    SECTIONS,
    BackboneSettings,
    DataSettings,
    EvaluateSettings,
    OptimizerSettings,
    Section,
    TrainSettings,
)


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

    def as_dict(self) -> dict[str, dict[str, Any]]:
        """All settings by section, as JSON types: enumerations, paths and sets become what those can hold."""
        head = {"name": self.head_name, "preset": self.preset, **self.head.dump(self.head_config)}
        return {"head": head} | {name: getattr(self, name).model_dump(mode="json") for name in SECTIONS}


def resolve(
    toml_path: Path | None = None,
    preset: str | None = None,
    flags: Mapping[str, object] | None = None,
    sets: Sequence[str] = (),
) -> RunSettings:
    """Resolve a run's settings: defaults < the head's preset < the TOML file < `flags` and `sets`.

    A source of images may have a recipe of its own: settings in place of the defaults, and the preset of a
    head that is taken, if it has one of that name, where none is named. Without `data.path`, the source that
    says that it is the default is trained on.

    `flags` maps `section.key` to a value; `sets` holds texts `section.key=value`, the value a TOML literal
    or a bare word. Paths come out absolute: relative ones in the file start from its folder (in one that
    facezoo wrote before it noted that, from the working directory), all others from the working directory.

    The head is loaded, torch is not. Raises `FacezooError` for a head that cannot be used, an unknown section
    or setting ("did you mean"), a value that is not admitted, and where nothing says what to train on.
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
    if source := _source(layers):
        origin = f"data.path {source.spec.name}"
        for section, values in source.spec.recipe.items():
            if section not in layers.values:
                raise broken(source.entry, KIND, f"has a recipe for {shown(section)}, which is no section")
            layers.add_under(section, values, origin)
        if preset is None and source.spec.preset in head.spec.presets:
            preset = source.spec.preset
            layers.origins["head.preset"] = origin
    if preset is not None:
        layers.add_under("head", head.preset(preset), f"preset {preset}")
    layers.origins.setdefault("head.preset", "default")
    config = _head_config(layers, head)
    sections: dict[str, Any] = {name: _section(layers, name, model) for name, model in SECTIONS.items()}
    return RunSettings(
        head=head,
        head_name=head_name,
        head_config=config,
        preset=preset,
        **sections,
        origins=layers.origins,
    )


def _source(layers: Layered) -> Source | None:
    """The source of the training images, where one is meant; the default one is noted in the layers."""
    path = layers.values["data"].get("path")
    if path is not None:
        found = meant_by(path) if isinstance(path, str) else []
        return found[0] if len(found) == 1 else None  # what opens the images says what is wrong
    if source := default_source():
        layers.add("data", {"path": source.entry.name}, "default")
        return source
    message = "data.path: nothing says which images to train on: give a folder with --data, or install"
    raise FacezooError(f"{message} facezoo-orl, which brings faces to try it with")


def _head_config(layers: Layered, head: LoadedHead) -> BaseModel:
    config = head.configure(layers.values["head"], origins=layers.origins)
    _note_defaults(layers, "head", config)
    return config


def _section(layers: Layered, name: str, model: type[Section]) -> Section:
    try:
        section = model.model_validate(layers.values[name])
    except ValidationError as error:
        raise explained(name, model, error, layers.origins) from error
    _note_defaults(layers, name, section)
    return section


def _note_defaults(layers: Layered, name: str, section: BaseModel) -> None:
    for key in type(section).model_fields:
        layers.origins.setdefault(f"{name}.{key}", "default")
