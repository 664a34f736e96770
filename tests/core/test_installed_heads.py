"""Every installed head passes the conformance kit."""

from __future__ import annotations

from facezoo.registry import installed_heads
from facezoo.testing import HeadCheck, parametrize_head_checks

HEADS = [entry.name for entry in installed_heads() if entry.status == "ok"]


@parametrize_head_checks(*HEADS)
def test_head(check: HeadCheck) -> None:
    check()
