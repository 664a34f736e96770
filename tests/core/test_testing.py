"""`facezoo.testing` passes on what a distribution brings, and says what to install where none does."""

from __future__ import annotations

import subprocess
import sys

import pytest

from facezoo import FacezooError, testing
from facezoo.registry import load_plugin
from facezoo.registry.entries import MODULES
from support.distributions import Distribution

OTHER = Distribution(
    "facezoo-other-kit",
    {"fixture_kit": "def gradient_check(): ..."},
    {MODULES: {"testing": "fixture_kit"}},
)


def test_it_has_the_names_of_the_distribution_that_brings_it():
    from facezoo.testing import gradient_check, head_checks

    _, home = load_plugin(MODULES, "module", "testing")
    assert (gradient_check, head_checks) == (home.gradient_check, home.head_checks)
    assert set(home.__all__) <= set(dir(testing))
    with pytest.raises(ImportError, match="gradeint_check"):
        from facezoo.testing import gradeint_check  # noqa: F401


def test_where_nothing_brings_it_the_error_says_what_does(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(testing, "installed_plugins", lambda group: [])
    with pytest.raises(FacezooError, match="not installed for Python") as caught:
        from facezoo.testing import head_checks  # noqa: F401
    assert "pip install 'facezoo[testing]'" in caught.value.hint


def test_two_that_bring_it_are_an_error_and_neither_is_chosen_silently(with_installed):
    with_installed(OTHER)
    with pytest.raises(FacezooError, match=r"'testing' is offered by .* and facezoo-other-kit"):
        testing.gradient_check  # noqa: B018


def test_importing_it_imports_nothing_that_brings_it():
    code = "import sys, facezoo.testing; sys.exit(bool({'torch', 'facezoo_conformance'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
