"""The list of what a head must pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from facezoo.registry import LoadedHead
from facezoo_conformance.heads.case import Case, cases
from facezoo_conformance.rules import CheckFailure, Rules, text_of

RULES: Final = Rules[LoadedHead]()
"""Every check of heads by its name."""
head_check = RULES.check


def case_check(group: str) -> Callable[[Callable[[Case], None]], Callable[[Case], None]]:
    """Enter a function that is to hold in every case: all variants of the head, fresh and fully active."""

    def enter(function: Callable[[Case], None]) -> Callable[[Case], None]:
        RULES.enter(group, function, lambda head: _run_cases(function, head))
        return function

    return enter


def _run_cases(function: Callable[[Case], None], head: LoadedHead) -> None:
    for case in cases(head):
        try:
            function(case)
        except Exception as error:
            raise CheckFailure(f"{case}: {text_of(error)}") from error
