"""Every check of one head, with what the head declares to fail."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from facezoo._words import did_you_mean
from facezoo.errors import FacezooError
from facezoo.registry import LoadedHead, load_head
from facezoo.registry.loading import owner
from facezoo_conformance.heads import layouts, numbers, packaging, record, state
from facezoo_conformance.heads.rules import RULES
from facezoo_conformance.judging import Check

UNDENIABLE: Final = frozenset({"gradient"})
"""Checks that no head may declare to fail: deliberate stop-gradients have `facezoo.hold`."""

IN_ORDER: Final = tuple(
    rule
    for group in (packaging, record, numbers, layouts, state)
    for rule in RULES.values()
    if rule.group == group.GROUP
)
"""Every check there is; importing the groups has entered them into `RULES`."""


class HeadCheck(Check[LoadedHead]):
    """One check of one head: to be called, or judged by `result`."""

    @property
    def head(self) -> LoadedHead:
        """The head that is checked."""
        return self.subject


def head_checks(head: str | LoadedHead) -> Iterator[HeadCheck]:
    """Every check of an installed head, `head` or `dist:head`, in order.

    Raises `FacezooError` for a head that is not installed or does not load, and for one that declares
    expected failures of checks that there are not, without a reason, or of the gradient check.
    """
    loaded = load_head(head) if isinstance(head, str) else head
    expected = loaded.spec.expected_failures
    for name, reason in expected.items():
        if trouble := _trouble(name, reason):
            message = f"{owner(loaded.entry, 'head')} declares that it fails the check {name!r}{trouble}"
            raise FacezooError(message, "expected_failures of its HeadSpec maps checks to reasons.")
    return (HeadCheck(loaded, rule, expected.get(rule.name, "")) for rule in IN_ORDER)


checks = head_checks


def _trouble(name: str, reason: str) -> str:
    if name not in RULES:
        return f", and there is none of that name{did_you_mean(name, RULES)}"
    if name in UNDENIABLE:
        return ", which every head must pass: mark deliberate stop-gradients with facezoo.hold"
    return "" if reason.strip() else " without a reason"
