"""Whether what a head's entry point names is a record that facezoo can work with."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Final

from pydantic import BaseModel

from facezoo._words import shown
from facezoo.registry.entries import PluginEntry
from facezoo.registry.spec import API_VERSION, HeadSpec

RESERVED: Final = frozenset({"name", "preset"})
"""What `[head]` holds beside the head's own settings."""


def trouble_with(entry: PluginEntry, spec: object) -> str:
    """The first thing that is wrong with the record that `entry` names; empty where nothing is."""
    if not isinstance(spec, HeadSpec):
        return f"names a {type(spec).__name__} ({entry.value}), not a HeadSpec"
    if spec.api_version != API_VERSION:
        return f"was written for head protocol {shown(spec.api_version)}; this facezoo speaks {API_VERSION}"
    if spec.name != entry.name:
        return f"calls itself {shown(spec.name)}: the entry point's name and the spec's must agree"
    if not (_is_text(spec.factory) and re.fullmatch(r"[\w.]+:\w+", spec.factory)):
        return f"has the factory {shown(spec.factory)}, not 'package.module:Class'"
    return _config_trouble(spec.config) or _field_trouble(spec)


def _config_trouble(config: object) -> str:
    if not (isinstance(config, type) and issubclass(config, BaseModel)):
        return f"has {shown(config)} as its config, not a pydantic model"
    if config.model_config.get("extra") != "forbid":
        return f"has a config, {config.__name__}, which admits unknown settings: derive it from HeadConfig"
    if taken := RESERVED & config.model_fields.keys():
        return f"has a setting called {min(taken)!r}, which stands for something else in [head]"
    return ""


def _field_trouble(spec: HeadSpec) -> str:
    for name, (fits, wanted) in _FIELDS.items():
        value = getattr(spec, name)
        if not fits(value):
            return f"has the {name} {shown(value)}, not {wanted}"
    return ""


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _are_texts(value: object) -> bool:
    return isinstance(value, Collection) and not isinstance(value, str) and all(map(_is_text, value))


def _are_reasons(value: object) -> bool:
    return isinstance(value, Mapping) and _are_texts(value.keys()) and _are_texts(value.values())


def _are_presets(value: object) -> bool:
    return (
        isinstance(value, Mapping)
        and _are_texts(value.keys())
        and all(isinstance(settings, Mapping) and _are_texts(settings.keys()) for settings in value.values())
    )


_FIELDS: Final[Mapping[str, tuple[Callable[[object], bool], str]]] = {
    "summary": (_is_text, "a text"),
    "revision": (_is_whole, "a whole number"),
    "paper": (_is_text, "a text"),
    "tags": (_are_texts, "a tuple of texts"),
    "presets": (_are_presets, "a dict of names, each with a dict of settings"),
    "properties": (_are_texts, "a set of texts"),
    "expected_failures": (_are_reasons, "a dict of checks and reasons"),
}
"""What the other fields must be: a dataclass does not look at what it is given."""
