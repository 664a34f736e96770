"""The checks of a kind of plug-in, and how a function becomes one of them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from facezoo._words import first_line
from facezoo.errors import FacezooError
from facezoo.registry import PluginEntry


class CheckFailure(AssertionError):  # noqa: N818 (the word that pytest and unittest have for it)
    """What a check finds wrong with a plug-in."""


class Subject(Protocol):
    """What is checked: a plug-in that was found, and mostly more than its entry."""

    @property
    def entry(self) -> PluginEntry:
        """Which distribution offers it, in which version."""


S = TypeVar("S", bound=Subject)


@dataclass(frozen=True)
class Rule(Generic[S]):
    """One check: `run` raises where a plug-in does not pass; `doc` says what is held."""

    name: str
    group: str
    doc: str
    run: Callable[[S], None]


class Rules(dict[str, Rule[S]]):
    """Every check of one kind of plug-in by its name, in order."""

    def check(self, group: str) -> Callable[[Callable[[S], None]], Callable[[S], None]]:
        """Enter a function of the plug-in; its docstring is the check's description."""

        def enter(function: Callable[[S], None]) -> Callable[[S], None]:
            self.enter(group, function, function)
            return function

        return enter

    def enter(self, group: str, described: Callable[..., None], run: Callable[[S], None]) -> None:
        """Enter `run` as the check that has the name and the docstring of `described`."""
        name, doc = described.__name__, " ".join((inspect.getdoc(described) or "").split())
        self[name] = Rule(name, group, doc, run)


def require(holds: bool, failure: str) -> None:
    """Raise `CheckFailure` with the text `failure` unless `holds`."""
    if not holds:
        raise CheckFailure(failure)


def is_text(value: object) -> bool:
    """Whether a value is a text of at least one character, whatever it was declared to be."""
    return isinstance(value, str) and bool(value)


def text_of(error: Exception) -> str:
    """What an error says in one line; the class only where the text was not written for a reader."""
    if isinstance(error, FacezooError):
        return error.message
    return str(error) if isinstance(error, AssertionError) and str(error) else first_line(error)
