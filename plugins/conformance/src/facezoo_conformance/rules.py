"""The list of checks, and how a function becomes one of them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from facezoo._words import first_line
from facezoo.errors import FacezooError
from facezoo.registry import LoadedHead
from facezoo_conformance.case import Case, cases


class CheckFailure(AssertionError):  # noqa: N818 (the word that pytest and unittest have for it)
    """What a check finds wrong with a head."""


@dataclass(frozen=True)
class Rule:
    """One check of the kit: `run` raises where the head does not pass; `doc` says what is held."""

    name: str
    group: str
    doc: str
    run: Callable[[LoadedHead], None]


RULES: Final[dict[str, Rule]] = {}
"""Every check by its name."""


def require(holds: bool, failure: str) -> None:
    """Raise `CheckFailure` with the text `failure` unless `holds`."""
    if not holds:
        raise CheckFailure(failure)


def head_check(group: str) -> Callable[[Callable[[LoadedHead], None]], Callable[[LoadedHead], None]]:
    """Enter a function of the head into `RULES`; its docstring is the check's description."""

    def enter(function: Callable[[LoadedHead], None]) -> Callable[[LoadedHead], None]:
        _enter(group, function, function)
        return function

    return enter


def case_check(group: str) -> Callable[[Callable[[Case], None]], Callable[[Case], None]]:
    """Enter a function that is to hold in every case: all variants of the head, fresh and fully active."""

    def enter(function: Callable[[Case], None]) -> Callable[[Case], None]:
        _enter(group, function, lambda head: _run_cases(function, head))
        return function

    return enter


def _enter(group: str, function: Callable[..., None], run: Callable[[LoadedHead], None]) -> None:
    doc = " ".join((inspect.getdoc(function) or "").split())
    RULES[function.__name__] = Rule(function.__name__, group, doc, run)


def _run_cases(function: Callable[[Case], None], head: LoadedHead) -> None:
    for case in cases(head):
        try:
            function(case)
        except Exception as error:
            raise CheckFailure(f"{case}: {text_of(error)}") from error


def text_of(error: Exception) -> str:
    """What an error says in one line; the class only where the text was not written for a reader."""
    if isinstance(error, FacezooError):
        return error.message
    return str(error) if isinstance(error, AssertionError) and str(error) else first_line(error)
