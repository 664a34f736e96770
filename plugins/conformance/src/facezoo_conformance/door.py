"""The checks of plug-ins by name, as pytest parameters and otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import TYPE_CHECKING, Any

from facezoo._words import did_you_mean
from facezoo.errors import FacezooError
from facezoo_conformance.kinds import KINDS

if TYPE_CHECKING:
    import pytest

    from facezoo_conformance.judging import Check


def checks(kind: str, name: str) -> Iterator[Check[Any]]:
    """Every check of an installed plug-in, in order: `checks("backbone", "small")`.

    `name` is what `facezoo check KIND` takes. Raises FacezooError where there are no checks of that kind, and
    where the plug-in is not installed or does not load.
    """
    known = [each.name for each in KINDS.values() if each.checks]
    if kind not in known:
        message = f"there are no checks of a {kind!r}{did_you_mean(kind, known)}"
        raise FacezooError(message, f"There are some of: {', '.join(known)}.")
    found: Iterator[Check[Any]] = import_module(KINDS[kind].checks).checks(name)
    return found


def parametrize_checks(kind: str, *names: str) -> pytest.MarkDecorator:
    """Decorate `def test_it(check): check()` to run every check of installed plug-ins, one test each.

    A test's id is `name-check`. A check that the plug-in declares to fail is a strict `xfail` with the
    declared reason. Raises `FacezooError`, when the file is collected, for what `checks` refuses.
    """
    import pytest

    def marks(check: Check[Any]) -> list[pytest.MarkDecorator]:
        return [pytest.mark.xfail(reason=check.expected, strict=True)] if check.expected else []

    return pytest.mark.parametrize(
        "check",
        [
            pytest.param(check, id=f"{name}-{check.name}", marks=marks(check))
            for name in names
            for check in checks(kind, name)
        ],
    )


def parametrize_head_checks(*heads: str) -> pytest.MarkDecorator:
    """`parametrize_checks("head", ...)`."""
    return parametrize_checks("head", *heads)
