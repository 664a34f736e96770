"""From a name to the object that an installed plug-in offers under it, or to one error that says why not."""

from __future__ import annotations

from functools import reduce
from importlib import import_module

from facezoo._words import did_you_mean, listed, this_python
from facezoo.errors import FacezooError
from facezoo.registry.entries import DISABLE, QUALIFIED_ONLY, UNNAMED, PluginEntry, installed_plugins
from facezoo.registry.foreign import Contained


def load_plugin(group: str, kind: str, name: str) -> tuple[PluginEntry, object]:
    """Return the entry of `group` that `name` (`name` or `dist:name`) means, and the object that it offers.

    `kind` is the word for it in messages ("head", "backbone"). Raises `FacezooError` where the name is
    unknown, offered twice, disabled, incompatible, or the plug-in fails to import.
    """
    entry = find_entry(group, kind, name)
    return entry, import_entry(entry, kind)


def find_entry(group: str, kind: str, name: str) -> PluginEntry:
    """The one usable entry that `name` means; `FacezooError` where there is none or more than one."""
    installed = installed_plugins(group)
    named = [entry for entry in installed if entry.answers_to(name)]
    qualified = ":" in name
    reachable = {"ok", *(QUALIFIED_ONLY if qualified else ())}
    usable = [entry for entry in named if entry.status in reachable]
    if len(usable) == 1:
        return usable[0]
    raise _refused(kind, named) if named else _unknown(kind, name, installed)


def _refused(kind: str, named: list[PluginEntry]) -> FacezooError:
    duplicates = [entry for entry in named if entry.status == "duplicate"]
    if duplicates:
        owners = " and ".join(f"{entry.dist} {entry.version}" for entry in duplicates)
        choices = " or ".join(entry.qualified for entry in duplicates)
        message = f"{kind} {named[0].name!r} is offered by {owners}"
        return FacezooError(message, f"Say which one: {choices}; or switch one off with {DISABLE}.")
    reasons = "; ".join(f"{owner(entry, kind)}: {entry.reason}" for entry in named)
    statuses = {entry.status for entry in named}
    if "disabled" in statuses:
        return FacezooError(reasons, f"Take it out of {DISABLE} to use it.")
    if "broken" in statuses:
        return FacezooError(reasons, _way_out(named[0]))
    return FacezooError(reasons, f"Install a release of {named[0].dist} that fits, or another facezoo.")


def _unknown(kind: str, name: str, installed: list[PluginEntry]) -> FacezooError:
    # deliberately no "pip install ...": a name that was mistyped may belong to anyone
    message = f"unknown {kind} {name!r}{did_you_mean(name, [*_names(installed), *_qualified(installed)])}"
    if not installed:
        hint = f"No {kind} is installed for {this_python()}. Each comes with a distribution that offers it."
        return FacezooError(message, hint)
    return FacezooError(message, f"Installed for {this_python()}: {listed(_names(installed))}.")


def _names(installed: list[PluginEntry]) -> list[str]:
    return sorted({entry.name for entry in installed if entry.name != UNNAMED})


def _qualified(installed: list[PluginEntry]) -> list[str]:
    return [entry.qualified for entry in installed if entry.name != UNNAMED]


def import_entry(entry: PluginEntry, kind: str) -> object:
    """Import what the entry names; `FacezooError` where that fails, whatever the plug-in raises."""
    with contained(entry, kind, "cannot be imported"):
        module, _, attributes = entry.value.partition("[")[0].partition(":")
        return reduce(getattr, filter(None, attributes.strip().split(".")), import_module(module.strip()))


def broken(entry: PluginEntry, kind: str, trouble: str) -> FacezooError:
    """The error for a plug-in that is installed and does not work."""
    return FacezooError(f"{owner(entry, kind)} {trouble}", _way_out(entry))


def contained(entry: PluginEntry, kind: str, trouble: str) -> Contained:
    """A block that calls a plug-in: what it raises becomes the error that `broken` gives."""
    return Contained(f"{owner(entry, kind)} {trouble}", _way_out(entry))


def _way_out(entry: PluginEntry) -> str:
    return (
        f"Repair or uninstall {entry.dist} ({this_python()}), or switch it off with "
        f"{DISABLE}={entry.qualified}; `facezoo doctor` lists everything that is broken."
    )


def owner(entry: PluginEntry, kind: str) -> str:
    """`head 'x' of facezoo-x 1.2`: how messages name a plug-in."""
    return f"{kind} {entry.name!r} of {entry.dist} {entry.version}"
