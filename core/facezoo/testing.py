"""Tools to test plug-ins with, under the name by which tests import them.

::

    from facezoo.testing import gradient_check, parametrize_head_checks

A distribution of its own brings them: the one that is offered as `testing` in the entry-point group
`facezoo.modules`. This module passes its names on, and says what to install where there is none.
"""

from __future__ import annotations

from types import ModuleType

from facezoo._words import this_python
from facezoo.errors import FacezooError
from facezoo.registry import installed_plugins, load_plugin
from facezoo.registry.entries import KINDS, MODULES


def __getattr__(name: str) -> object:
    if name.startswith("__") and name != "__all__":  # what Python asks every module
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(_home(), name)


def __dir__() -> list[str]:
    return dir(_home())


def _home() -> ModuleType:
    """The module that is installed as `testing`; FacezooError where none is, or it cannot be imported."""
    if not any(entry.answers_to("testing") for entry in installed_plugins(MODULES)):
        message = f"{__name__} comes with a distribution that is not installed for {this_python()}"
        raise FacezooError(message, "facezoo[testing] has it: pip install 'facezoo[testing]'.")
    _, module = load_plugin(MODULES, KINDS[MODULES], "testing")
    assert isinstance(module, ModuleType)
    return module
