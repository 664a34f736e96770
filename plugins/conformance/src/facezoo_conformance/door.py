"""The kit as pytest parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from facezoo_conformance.kit import HeadCheck, head_checks

if TYPE_CHECKING:
    import pytest


def parametrize_head_checks(*heads: str) -> pytest.MarkDecorator:
    """Decorate `def test_head(check): check()` to run every check of installed heads, one test each.

    A test's id is `head-check`. A check that the head declares to fail is a strict `xfail` with the declared
    reason. Raises `FacezooError`, when the file is collected, for what `head_checks` refuses.
    """
    import pytest

    def marks(check: HeadCheck) -> list[pytest.MarkDecorator]:
        return [pytest.mark.xfail(reason=check.expected, strict=True)] if check.expected else []

    return pytest.mark.parametrize(
        "check",
        [
            pytest.param(check, id=f"{head}-{check.name}", marks=marks(check))
            for head in heads
            for check in head_checks(head)
        ],
    )
