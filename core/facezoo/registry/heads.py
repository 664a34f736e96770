"""One head, loaded: its record checked, its settings resolved, its module made."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from facezoo._words import did_you_mean, first_line
from facezoo.errors import FacezooError
from facezoo.registry.entries import HEADS, HeadEntry
from facezoo.registry.loading import broken, find_entry, import_entry, owner
from facezoo.registry.spec import API_VERSION, HeadSpec
from facezoo.settings.explain import explained

if TYPE_CHECKING:
    from torch import nn

    from facezoo.engine import HeadContext

RESERVED = frozenset({"name", "preset"})
"""What `[head]` holds beside the head's own settings."""


def load_head(name: str) -> LoadedHead:
    """Load the head that `name` (`head` or `dist:head`) means; imports its record, not torch.

    Raises `FacezooError` where it is unknown, offered by two distributions, disabled, incompatible or broken.
    """
    return loaded_head(find_entry(HEADS, "head", name))


def loaded_head(entry: HeadEntry) -> LoadedHead:
    """Load one installed entry and check its record; `FacezooError` names the first thing wrong with it."""
    spec = import_entry(entry, HEADS, "head")
    if trouble := _trouble(entry, spec):
        raise broken(entry, "head", trouble)
    assert isinstance(spec, HeadSpec)
    return LoadedHead(entry, spec)


def _trouble(entry: HeadEntry, spec: object) -> str:
    if not isinstance(spec, HeadSpec):
        return f"names a {type(spec).__name__} ({entry.value}), not a HeadSpec"
    if spec.api_version != API_VERSION:
        return f"was written for head protocol {spec.api_version}; this facezoo speaks {API_VERSION}"
    if spec.name != entry.name:
        return f"calls itself {spec.name!r}: the entry point's name and the spec's must agree"
    if not re.fullmatch(r"[\w.]+:\w+", spec.factory):
        return f"has the factory {spec.factory!r}, not 'package.module:Class'"
    return _config_trouble(spec.config)


def _config_trouble(config: object) -> str:
    if not (isinstance(config, type) and issubclass(config, BaseModel)):
        return f"has {config!r} as its config, not a pydantic model"
    if config.model_config.get("extra") != "forbid":
        return f"has a config, {config.__name__}, which admits unknown settings: derive it from HeadConfig"
    if taken := RESERVED & config.model_fields.keys():
        return f"has a setting called {min(taken)!r}, which stands for something else in [head]"
    return ""


@dataclass(frozen=True)
class LoadedHead:
    """A head whose record was imported and found sound."""

    entry: HeadEntry
    spec: HeadSpec

    def configure(
        self,
        settings: Mapping[str, object],
        preset: str | None = None,
        origins: Mapping[str, str] | None = None,
    ) -> BaseModel:
        """Return the head's config: its defaults, then the preset's values, then `settings`.

        Raises `FacezooError` for an unknown preset, an unknown setting or a value out of range; `origins`
        maps `head.key` to where a value came from, for the message.
        """
        merged = {**(self.preset(preset) if preset else {}), **settings}
        try:
            return self.spec.config.model_validate(merged)
        except ValidationError as error:
            raise explained("head", self.spec.config, error, origins) from error

    def preset(self, name: str) -> Mapping[str, object]:
        """The settings of one preset; `FacezooError` where the head has none of that name."""
        if name in self.spec.presets:
            return self.spec.presets[name]
        known = sorted(self.spec.presets)
        message = f"{owner(self.entry, 'head')} has no preset {name!r}{did_you_mean(name, known)}"
        raise FacezooError(message, f"Presets: {', '.join(known)}." if known else "It has no presets.")

    def factory(self) -> Any:
        """Import the head's class, and torch with it; `FacezooError` where that fails."""
        module, _, attribute = self.spec.factory.partition(":")
        try:
            return getattr(import_module(module), attribute)
        except (Exception, SystemExit) as error:
            trouble = f"cannot import {self.spec.factory}: {first_line(error)}"
            raise broken(self.entry, "head", trouble) from error

    def make(self, config: BaseModel, context: HeadContext) -> nn.Module:
        """Build the head's module; `FacezooError` where its class fails, or what it makes is not a head."""
        from torch import nn

        factory = self.factory()
        try:
            made = factory(config, context)
        except FacezooError:
            raise
        except Exception as error:
            message = f"{owner(self.entry, 'head')} cannot be built: {first_line(error)}"
            raise FacezooError(message, "`facezoo --traceback ...` shows where in its code.") from error
        if not isinstance(made, nn.Module) or not callable(getattr(made, "loss", None)):
            made_by = f"{self.spec.factory} makes a {type(made).__name__}"
            raise broken(self.entry, "head", f"is broken: {made_by}, not an nn.Module with a method `loss`")
        return made
