"""Records that sources of images and benchmarks are offered as: loaded, checked, claimed, and opened.

They are found by their name, or by a path that they claim. What they open is named as text, so that a record
holds neither torch nor NumPy.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Final, Generic, Protocol, TypeAlias, TypeVar

from facezoo._words import cut, first_line, printable, shown
from facezoo.errors import FacezooError
from facezoo.registry.entries import KINDS, OWN, PluginEntry, installed_plugins
from facezoo.registry.loading import broken, contained, import_entry, owner

Field: TypeAlias = tuple[Callable[[object], bool], str]
"""Whether a field's value will do, and what it should be."""


class Record(Protocol):
    """What such records have in common."""

    @property
    def name(self) -> str:
        """That of the entry point."""

    @property
    def claims(self) -> Callable[[Any], bool]:
        """Whether a path is for it."""


R = TypeVar("R", bound=Record)


def is_text(value: object) -> bool:
    """Whether a field is a text."""
    return isinstance(value, str)


def is_place(value: object) -> bool:
    """Whether a field is `"package.module:function"`."""
    return isinstance(value, str) and re.fullmatch(r"[\w.]+:\w+", value) is not None


PLACE: Final = "'package.module:function'"
COMMON: Final[Mapping[str, Field]] = {
    "summary": (is_text, "a text"),
    "open": (is_place, PLACE),
    "claims": (callable, "a function of a path"),
}


@dataclass(frozen=True)
class Records(Generic[R]):
    """The records of one group: their class, and what its further fields must be."""

    group: str
    record: type[R]
    further: Mapping[str, Field] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """What messages call one."""
        return KINDS[self.group]

    def load(self, entry: PluginEntry) -> R:
        """The record that an entry names; FacezooError where it cannot be imported, or is none."""
        record = import_entry(entry, self.kind)
        with contained(entry, self.kind, "has a record that cannot be read"):
            if trouble := self._trouble(entry, record):
                raise broken(entry, self.kind, trouble)
        assert isinstance(record, self.record)
        return record

    def _trouble(self, entry: PluginEntry, record: object) -> str:
        """The first thing that is wrong with a record; empty where nothing is."""
        if not isinstance(record, self.record):
            return f"names a {type(record).__name__} ({entry.value}), not a {self.record.__name__}"
        if record.name != entry.name:
            return f"calls itself {shown(record.name)}: the entry point's name and the spec's must agree"
        for name, (fits, wanted) in {**COMMON, **self.further}.items():
            if not fits(value := getattr(record, name)):
                return f"has the {name} {shown(value)}, not {wanted}"
        return ""

    def usable(self) -> list[tuple[PluginEntry, R]]:
        """All that can be used; broken ones are told of in a warning, and take nothing from the others."""
        usable = []
        for entry in installed_plugins(self.group):
            if entry.status == "ok":
                try:
                    usable.append((entry, self.load(entry)))
                except FacezooError as error:
                    warnings.warn(str(error), RuntimeWarning, stacklevel=3)
        return usable

    def claiming(self, path: object) -> list[tuple[PluginEntry, R]]:
        """Those that claim a path; facezoo's own are for what nobody else claims."""
        claims = [(entry, record) for entry, record in self.usable() if self.claims(entry, record, path)]
        return [(entry, record) for entry, record in claims if entry.dist != OWN] or claims

    def claims(self, entry: PluginEntry, record: R, path: object) -> bool:
        """Whether one claims a path; one that fails is told of in a warning, and claims nothing."""
        try:
            return bool(record.claims(path))
        except FacezooError:
            raise
        except Exception as error:  # noqa: BLE001 (foreign code may raise anything)
            what = f"{owner(entry, self.kind)} cannot say whether it reads {cut(printable(str(path)))}"
            warnings.warn(f"{what}: {first_line(error)}", RuntimeWarning, stacklevel=4)
        return False

    def call(self, entry: PluginEntry, place: str, argument: object, trouble: str) -> object:
        """What the function at a place returns; FacezooError, with the trouble, where it fails."""
        module, _, name = place.partition(":")
        with contained(entry, self.kind, trouble):
            found: object = getattr(import_module(module), name)(argument)
            return found
