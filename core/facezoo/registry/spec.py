"""What the author of a head declares: a record without torch, named by an entry point of `facezoo.heads`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pydantic import BaseModel

API_VERSION: Final = 1
"""The head protocol of this facezoo; a head that was written for another one is refused when it is loaded."""


@dataclass(frozen=True, kw_only=True)
class HeadSpec:
    """One head, as its entry point in the group `facezoo.heads` offers it.

    The module that holds the record is imported to show, configure and check a head, so it must not import
    torch; the head's class is named as a string and imported when the head is built.
    """

    name: str
    """The head's name: the same as its entry point's."""

    summary: str
    """What the head is, in one line."""

    config: type[BaseModel]
    """Its settings: a pydantic model that forbids unknown names (`HeadConfig` does)."""

    factory: str
    """`"package.module:Class"`, called as `Class(config, context)`; returns a `MarginHead`."""

    api_version: int
    """The head protocol that it was written for: the value of `API_VERSION` then, as a number."""

    revision: int = 1
    """Raised by the author whenever the same settings give other numbers; kept in every checkpoint."""

    paper: str = ""
    """Where the equations come from: authors, title, place and year, and an identifier if there is one."""

    tags: tuple[str, ...] = ()
    """Free words, shown by `facezoo show-head`."""

    presets: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    """Named settings, such as those of the paper's own experiments."""

    properties: frozenset[str] = frozenset()
    """What the head declares of itself, for example `{"memory", "class_parameters", "norms"}`."""

    expected_failures: Mapping[str, str] = field(default_factory=dict)
    """Conformance checks that it is known to fail, each with the reason."""
