"""What is installed, read from the metadata of distributions: nothing of a plug-in is imported here."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Final, Literal

from facezoo._words import cut, printable, shown
from facezoo.registry.compatibility import canonical, incompatibility
from facezoo.registry.metadata import LARGEST, MOST, Offer, offers

HEADS: Final = "facezoo.heads"
BACKBONES: Final = "facezoo.backbones"
COMMANDS: Final = "facezoo.commands"
DATA: Final = "facezoo.data"
BENCHMARKS: Final = "facezoo.benchmarks"
HOOKS: Final = "facezoo.hooks"
MODULES: Final = "facezoo.modules"
KINDS: Final = {
    HEADS: "head",
    BACKBONES: "backbone",
    COMMANDS: "command",
    DATA: "data source",
    BENCHMARKS: "benchmark",
    HOOKS: "observer",
    MODULES: "module",
}
"""The groups, and what messages call one entry of each."""
DISABLE: Final = "FACEZOO_DISABLE"

UNNAMED: Final = "?"
"""What stands for a name that cannot be read."""
_NAME: Final = re.compile(r"(?=.{1,100}$)[\w+-]+(\.[\w+-]+)*")  # no ":", "," or "@": they stand between names
_VALUE: Final = re.compile(r"[\w.]+(\s*:\s*[\w.]+)?\s*(\[.*\])?")
OWN: Final = "facezoo"
"""The distribution whose names are never another's."""

Status = Literal["ok", "disabled", "duplicate", "shadowed", "incompatible", "broken"]
QUALIFIED_ONLY: Final = frozenset({"duplicate", "shadowed"})
"""Statuses of entries that are sound, and answer to `dist:name` only."""


@dataclass(frozen=True)
class PluginEntry:
    """One entry point of a facezoo group, with the distribution that offers it."""

    name: str
    dist: str
    version: str
    summary: str
    status: Status = "ok"
    reason: str = ""
    """Why the status is not "ok"; empty where it is."""
    value: str = ""
    """The entry point's `module:attribute`: comes from installed metadata only, never from a config."""

    @property
    def qualified(self) -> str:
        """`dist:name`, which names this entry whatever else is installed."""
        return f"{self.dist}:{self.name}"

    def answers_to(self, name: str) -> bool:
        """Whether `name`, which is `name` or `dist:name`, means this entry."""
        dist, colon, bare = name.rpartition(":")
        return bare == self.name and (not colon or canonical(dist) == canonical(self.dist))

    def as_dict(self) -> dict[str, str]:
        """The fields that `facezoo list --json` prints."""
        fields = asdict(self)
        del fields["value"]
        return fields


HeadEntry = PluginEntry


def installed_heads() -> list[HeadEntry]:
    """Every head that a distribution offers, sorted by name, with its status; imports no plug-in."""
    return installed_plugins(HEADS)


def installed_plugins(group: str) -> list[PluginEntry]:
    """Every entry of one entry-point group, sorted by name and distribution, with its status."""
    found = list(offers())
    own = next((offer.version for offer in found if canonical(offer.dist) == OWN), "")
    entries = [_judged(entry, offer, own) for offer in found for entry in _offered(offer, group)]
    if group != HOOKS:  # every observer is told: nothing chooses one by its name
        entries = _with_duplicates(_with_shadowed(entries, group))
    return sorted(entries, key=lambda entry: (entry.name, canonical(entry.dist)))


def disabled_names() -> list[str]:
    """What FACEZOO_DISABLE names: entries of any group, each `name` or `dist:name`."""
    return [name.strip() for name in os.environ.get(DISABLE, "").split(",") if name.strip()]


def _judged(entry: PluginEntry, offer: Offer, own: str) -> PluginEntry:
    if any(entry.answers_to(name) for name in disabled_names()):
        reason = f"switched off by {DISABLE}={printable(os.environ[DISABLE])}"
        return replace(entry, status="disabled", reason=reason)
    if entry.status != "ok" or canonical(entry.dist) == OWN:
        return entry
    if reason := incompatibility(offer.requires, own):
        return replace(entry, status="incompatible", reason=reason)
    return entry


def _with_shadowed(entries: list[PluginEntry], group: str) -> list[PluginEntry]:
    """Mark what others offer under a name of facezoo's own, which stays facezoo's even where it is off: no
    installation may change what a setting that worked means.
    """
    own = {entry.name for entry in entries if canonical(entry.dist) == OWN}
    kind = KINDS[group]

    def marked(entry: PluginEntry) -> PluginEntry:
        if entry.status != "ok" or entry.name not in own or canonical(entry.dist) == OWN:
            return entry
        reason = f"facezoo itself has a {kind} of this name; say {entry.qualified}"
        return replace(entry, status="shadowed", reason=reason)

    return [marked(entry) for entry in entries]


def _with_duplicates(entries: list[PluginEntry]) -> list[PluginEntry]:
    """Mark what several distributions offer under one name; those that cannot be used anyway take no part."""
    usable: dict[str, list[PluginEntry]] = {}
    for entry in entries:
        if entry.status == "ok":
            usable.setdefault(entry.name, []).append(entry)
    return [_marked(entry, usable.get(entry.name, [])) for entry in entries]


def _marked(entry: PluginEntry, namesakes: list[PluginEntry]) -> PluginEntry:
    if entry.status != "ok" or len(namesakes) < 2:
        return entry
    others = " and ".join(sorted(other.dist for other in namesakes if other != entry))
    return replace(entry, status="duplicate", reason=f"{others} offers the same name; say {entry.qualified}")


def _offered(offer: Offer, group: str) -> Iterator[PluginEntry]:
    points = offer.points.get(group)
    if points is None:
        return
    made = PluginEntry(UNNAMED, offer.dist, offer.version, offer.summary)
    if offer.too_large:
        reason = f"its entry_points.txt has more than {LARGEST:,} bytes"
        yield replace(made, status="broken", reason=reason)
    elif len(points) > MOST:
        reason = f"it offers {len(points):,} names in the group {group}; {MOST:,} are admitted"
        yield replace(made, status="broken", reason=reason)
    else:
        yield from (_checked(replace(made, name=name, value=value)) for name, value in points.items())


def _checked(entry: PluginEntry) -> PluginEntry:
    """The entry, "broken" where its line in entry_points.txt can name nothing."""
    if not _NAME.fullmatch(entry.name):
        reason = f"the name {shown(entry.name)} is not made of letters, digits and _ + - alone, dots between"
        return replace(entry, name=cut(entry.name, 40) or UNNAMED, status="broken", reason=reason)
    if not _VALUE.fullmatch(entry.value):
        reason = f"its entry point is {shown(entry.value)}, not 'module:attribute'"
        return replace(entry, status="broken", reason=reason)
    return entry
