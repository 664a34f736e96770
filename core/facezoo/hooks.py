"""Events of a run that other packages may observe (pluggy; entry-point group `facezoo.hooks`).

An observer is a module, an object, or a class (then one instance per run) whose functions carry the events'
names and are marked with `hookimpl`; each names as many of the event's arguments as it needs::

    from facezoo.hooks import hookimpl

    @hookimpl
    def epoch_end(epoch, metrics):
        ...

Observers cannot break a run: the first time that one raises it is muted until the run ends, named in a
warning, and kept in `Observers.muted`, which the trainer writes into the run.
"""

from __future__ import annotations

import inspect
import json
import warnings
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeVar

import pluggy

from facezoo._words import did_you_mean, first_line, printable
from facezoo.errors import FacezooError
from facezoo.registry.entries import HOOKS, PluginEntry, installed_plugins
from facezoo.registry.foreign import noted
from facezoo.registry.loading import import_entry

if TYPE_CHECKING:
    from facezoo.runs.run import Run

hookspec = pluggy.HookspecMarker("facezoo")
hookimpl = pluggy.HookimplMarker("facezoo")

T = TypeVar("T")
GONE: Final = {"evaluation_protocols": "offer a benchmark instead (entry-point group facezoo.benchmarks)"}
"""Events that there were once, and what to do instead. An observer of one is told, and hears all others."""


class Events:
    """The events, in the order of a run. `run` is read-only: `dir`, `settings`, `step` and `epoch`."""

    @hookspec
    def train_start(self, run: Run) -> str | None:
        """Before the first step, and again where a run is resumed; the run directory exists.

        What is returned, a line that says what the observer will do, is printed.
        """

    @hookspec
    def step_end(self, run: Run, step: int, metrics: Mapping[str, object]) -> None:
        """After an optimiser step. `step` counts from 1; `metrics`, read-only, has the loss and its terms."""

    @hookspec
    def epoch_end(self, run: Run, epoch: int, metrics: Mapping[str, object]) -> None:
        """After the last step of an epoch. `epoch` counts from 1; `metrics` holds the epoch's means."""

    @hookspec
    def verification_end(self, run: Run, step: int, figures: Mapping[str, object]) -> None:
        """After a verification: of the untrained network (`step` is 0), during training, and at its end.

        `figures`, read-only, is what evaluation.json has under `verification`; the rates are fractions.
        """

    @hookspec
    def train_end(self, run: Run) -> None:
        """After training, however it ended: with its last step, by Ctrl-C or SIGTERM, or with an error."""

    @hookspec
    def checkpoint_metadata(self, run: Run) -> dict[str, object]:  # type: ignore[empty-body]
        """Before a checkpoint is written: return what to keep in it, as JSON types."""


class Observers:
    """The observers of one run, each muted from its first exception on."""

    def __init__(self, *, warn: bool = True) -> None:
        self._warn = warn
        self.muted: list[dict[str, str]] = []
        """Who was muted: `observer`, `dist`, `event` ("load" on import), `error`."""
        self._manager = pluggy.PluginManager("facezoo")
        self._manager.add_hookspecs(Events)
        self._active: dict[str, PluginEntry] = {}

    def add(self, entry: PluginEntry, plugin: object) -> None:
        """Register an observer; one that does not fit the events is muted at once."""
        with self._muting(entry, "load"):
            instance = plugin() if inspect.isclass(plugin) else plugin
            self._manager.register(instance, entry.qualified)
            self._check_names(entry, instance)
            self._active[entry.qualified] = entry

    def _muting(self, entry: PluginEntry, event: str) -> AbstractContextManager[None]:
        """A block that calls an observer, and mutes it if it raises anything."""
        return noted(lambda error: self.mute(entry, event, error))

    def _check_names(self, entry: PluginEntry, plugin: object) -> None:
        """Refuse a function for an event that does not exist: it would silently never be called."""
        known = [name for name in vars(Events) if not name.startswith("_")]
        for caller in self._manager.get_hookcallers(plugin) or []:
            if (instead := GONE.get(caller.name)) and self._warn:
                what = f"observer {entry.name!r} of {entry.dist} {entry.version}"
                message = f"{what} has the event {caller.name}, which is no more: {instead}"
                warnings.warn(message, RuntimeWarning, stacklevel=3)
            if not caller.has_spec() and not instead:
                raise FacezooError(f"there is no event {caller.name!r}{did_you_mean(caller.name, known)}")

    def mute(self, entry: PluginEntry, event: str, error: BaseException) -> None:
        """Call this observer no more, say so once, and keep it in `muted`."""
        self._active.pop(entry.qualified, None)
        record = {"observer": entry.name, "dist": entry.dist, "event": event, "error": first_line(error)}
        self.muted.append(record)
        if self._warn:
            what = f"observer {entry.name!r} of {entry.dist} {entry.version} is muted"
            warnings.warn(f"{what}: {event}: {record['error']}", RuntimeWarning, stacklevel=2)

    def train_start(self, *, run: Run) -> list[str]:
        """What the observers say at the start, one line each; an answer that is not text mutes its author."""
        return list(self._ask("train_start", _text, run=run).values())

    def step_end(self, *, run: Run, step: int, metrics: Mapping[str, object]) -> None:
        """Tell all observers; see `Events`."""
        self._tell("step_end", run=run, step=step, metrics=MappingProxyType(dict(metrics)))

    def epoch_end(self, *, run: Run, epoch: int, metrics: Mapping[str, object]) -> None:
        """Tell all observers; see `Events`."""
        self._tell("epoch_end", run=run, epoch=epoch, metrics=MappingProxyType(dict(metrics)))

    def verification_end(self, *, run: Run, step: int, figures: Mapping[str, object]) -> None:
        """Tell all observers; see `Events`."""
        self._tell("verification_end", run=run, step=step, figures=MappingProxyType(dict(figures)))

    def train_end(self, *, run: Run) -> None:
        """Tell all observers; see `Events`."""
        self._tell("train_end", run=run)

    def checkpoint_metadata(self, *, run: Run) -> dict[str, dict[str, object]]:
        """What observers want kept in a checkpoint, by `dist:observer`; what is not JSON mutes its author."""
        return self._ask("checkpoint_metadata", _json_object, run=run)

    def _tell(self, event: str, **arguments: object) -> None:
        if self._active:  # the usual run has no observers, and a step should not pay for them
            self._ask(event, lambda _: None, **arguments)

    def _ask(self, event: str, check: Callable[[Any], T], **arguments: object) -> dict[str, T]:
        """Call each observer of `event` by itself, so that one that raises takes nothing from the others."""
        answers: dict[str, T] = {}
        for name, entry in list(self._active.items()):
            observer = self._manager.get_plugin(name)
            others = [plugin for plugin in self._manager.get_plugins() if plugin is not observer]
            with self._muting(entry, event):
                for answer in self._manager.subset_hook_caller(event, others)(**arguments):
                    answers[name] = check(answer)
        return answers


def _text(answer: object) -> str:
    if isinstance(answer, str):
        return printable(answer)
    message = f"returned a {type(answer).__name__}, not a line of text"
    raise TypeError(message)


def _json_object(answer: object) -> dict[str, object]:
    """The answer, if it is a mapping that JSON in UTF-8 can hold; TypeError or ValueError where it is not."""
    if not isinstance(answer, Mapping):
        message = f"returned a {type(answer).__name__}, not a dict"
        raise TypeError(message)
    text = json.dumps(dict(answer), allow_nan=False, ensure_ascii=False).encode()
    return dict(json.loads(text))


def load_observers() -> Observers:
    """Import every installed observer that is not disabled; one that cannot be imported starts out muted."""
    observers = Observers()
    for entry in installed_plugins(HOOKS):
        if entry.status == "disabled":
            continue
        if entry.status in ("incompatible", "broken"):
            observers.mute(entry, "load", FacezooError(entry.reason))
            continue
        try:
            plugin = import_entry(entry, "observer")
        except FacezooError as error:
            observers.mute(entry, "load", error.__cause__ or error)
        else:
            observers.add(entry, plugin)
    return observers
