"""One head, loaded: its record checked, its settings resolved, its module made."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from facezoo._words import did_you_mean
from facezoo.errors import FacezooError
from facezoo.registry.entries import HEADS, HeadEntry
from facezoo.registry.explain import explained
from facezoo.registry.foreign import IN_ITS_CODE, Contained
from facezoo.registry.loading import broken, contained, find_entry, import_entry, owner
from facezoo.registry.record import trouble_with
from facezoo.registry.spec import HeadSpec

if TYPE_CHECKING:
    from torch import nn

    from facezoo.engine import HeadContext


def load_head(name: str) -> LoadedHead:
    """Load the head that `name` (`head` or `dist:head`) means; imports its record, not torch.

    Raises `FacezooError` where it is unknown, offered by two distributions, disabled, incompatible or broken.
    """
    return loaded_head(find_entry(HEADS, "head", name))


def loaded_head(entry: HeadEntry) -> LoadedHead:
    """Load one installed entry and check its record; `FacezooError` names the first thing wrong with it."""
    spec = import_entry(entry, "head")
    with contained(entry, "head", "has a record that cannot be read"):
        if trouble := trouble_with(entry, spec):
            raise broken(entry, "head", trouble)
    assert isinstance(spec, HeadSpec)
    return LoadedHead(entry, spec)


@dataclass(frozen=True)
class LoadedHead:
    """A head whose record was imported and found sound."""

    entry: HeadEntry
    spec: HeadSpec

    @property
    def owner(self) -> str:
        """`head 'x' of facezoo-x 1.2`: how messages name it."""
        return owner(self.entry, "head")

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
        with contained(self.entry, "head", "cannot check its settings"):  # validators may raise anything
            try:
                return self.spec.config.model_validate(merged)
            except ValidationError as error:
                raise explained("head", self.spec.config, error, origins) from error

    def dump(self, config: BaseModel) -> dict[str, Any]:
        """The config as JSON types, as runs keep it; `FacezooError` where that cannot be done."""
        with contained(self.entry, "head", "has settings that cannot be kept"):
            values = config.model_dump(mode="json")
            json.dumps(values, ensure_ascii=False, allow_nan=False).encode()
            return values

    def schema(self) -> dict[str, Any]:
        """The JSON Schema of the settings; `FacezooError` where there is none."""
        with contained(self.entry, "head", "has settings that cannot be described"):
            return self.spec.config.model_json_schema()

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
        with contained(self.entry, "head", f"cannot import {self.spec.factory}"):
            return getattr(import_module(module), attribute)

    def make(self, config: BaseModel, context: HeadContext) -> nn.Module:
        """Build the head's module; `FacezooError` where its class fails, or what it makes is not a head.

        An object that is no module is given one, if it keeps nothing that a module would train or save.
        """
        from torch import nn

        from facezoo.registry.plain import PlainHead, kept_in_vain

        factory, kept = self.factory(), ""
        with Contained(f"{self.owner} cannot be built", IN_ITS_CODE):
            made = factory(config, context)
            sound = callable(getattr(made, "loss", None))
            if sound and isinstance(made, nn.Module):
                return made
            if sound and not (kept := kept_in_vain(made)):
                return PlainHead(made)
        made_by = f"{self.spec.factory} makes a {type(made).__name__}"
        if kept:
            trouble = f"keeps {kept!r}, which is neither trained nor saved unless it is a torch.nn.Module"
            raise broken(self.entry, "head", f"is broken: {made_by} that {trouble}")
        raise broken(self.entry, "head", f"is broken: {made_by} without a method `loss`")
