"""The conformance kit: every check of one head, with what the head declares to fail."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from facezoo._words import did_you_mean
from facezoo.errors import FacezooError
from facezoo.registry import LoadedHead, load_head
from facezoo.registry.loading import owner
from facezoo_conformance import layouts, numbers, packaging, record, state
from facezoo_conformance.case import settled_generator
from facezoo_conformance.rules import RULES, Rule, text_of

UNDENIABLE: Final = frozenset({"gradient"})
"""Checks that no head may declare to fail: deliberate stop-gradients have `facezoo.hold`."""

IN_ORDER: Final = tuple(
    rule
    for group in (packaging, record, numbers, layouts, state)
    for rule in RULES.values()
    if rule.group == group.GROUP
)
"""Every check there is; importing the groups has entered them into `RULES`."""


@dataclass(frozen=True)
class CheckResult:
    """What became of one check: `message` says why it failed, or why that was expected."""

    outcome: Literal["passed", "failed", "expected"]
    seconds: float
    message: str = ""
    error: Exception | None = None


@dataclass(frozen=True)
class HeadCheck:
    """One check of one head: to be called, or judged by `result`."""

    head: LoadedHead
    rule: Rule

    @property
    def name(self) -> str:
        """The check's name."""
        return self.rule.name

    @property
    def expected(self) -> str:
        """Why the head is known to fail it; empty where it is not."""
        return self.head.spec.expected_failures.get(self.name, "")

    def __call__(self) -> None:
        """Run it, whatever the head declares; raises where the head does not pass."""
        with settled_generator(0):
            self.rule.run(self.head)

    def result(self) -> CheckResult:
        """Run it and judge by what the head declares: an expected failure that passes has failed."""
        start, error = time.perf_counter(), None
        try:
            self()
        except Exception as caught:  # noqa: BLE001 (whatever a head raises is its failure)
            error = caught
        seconds = time.perf_counter() - start
        if error is None and self.expected:
            message = f"it passes: take it out of expected_failures ({self.expected})"
            return CheckResult("failed", seconds, message)
        if error is None:
            return CheckResult("passed", seconds)
        if self.expected:
            return CheckResult("expected", seconds, self.expected, error)
        return CheckResult("failed", seconds, text_of(error), error)


def head_checks(head: str | LoadedHead) -> Iterator[HeadCheck]:
    """Every check of an installed head, `head` or `dist:head`, in order.

    Raises `FacezooError` for a head that is not installed or does not load, and for one that declares
    expected failures of checks that there are not, without a reason, or of the gradient check.
    """
    loaded = load_head(head) if isinstance(head, str) else head
    for name, reason in loaded.spec.expected_failures.items():
        if trouble := _trouble(name, reason):
            message = f"{owner(loaded.entry, 'head')} declares that it fails the check {name!r}{trouble}"
            raise FacezooError(message, "expected_failures of its HeadSpec maps checks to reasons.")
    return (HeadCheck(loaded, rule) for rule in IN_ORDER)


def _trouble(name: str, reason: str) -> str:
    if name not in RULES:
        return f", and there is none of that name{did_you_mean(name, RULES)}"
    if name in UNDENIABLE:
        return ", which every head must pass: mark deliberate stop-gradients with facezoo.hold"
    return "" if reason.strip() else " without a reason"
