"""Resolved settings as TOML: what a run keeps of itself, and what `--dry-run` shows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import tomli_w

from facezoo._version import __version__
from facezoo.settings.paths import BASE_NOTE

if TYPE_CHECKING:
    from facezoo.settings.run import RunSettings


def to_toml(run: RunSettings, *, origins: bool = False) -> str:
    """Every value of `run` as a TOML document that resolves to the same run.

    With `origins` each line carries where its value came from, as a comment. A setting whose value is None is
    left out: TOML has no word for it.
    """
    spec, entry = run.head.spec, run.head.entry
    head = f"{spec.name} of {entry.dist} {entry.version}, revision {spec.revision}"
    lines = [f"# facezoo {__version__}; {head}", BASE_NOTE]
    for section, values in run.as_dict().items():
        lines += ["", f"[{section}]"]
        lines += list(_lines(section, values, dict(run.origins) if origins else {}))
    return "\n".join(lines) + "\n"


def _lines(section: str, values: dict[str, object], origins: dict[str, str]) -> Iterator[str]:
    texts = {key: _assignment(key, value) for key, value in values.items() if value is not None}
    width = max((len(text) for text in texts.values() if "\n" not in text), default=0)
    for key, text in texts.items():
        origin = origins.get(f"{section}.{key}", "")
        yield f"{text:<{width}}  # {origin}" if origin else text


def _assignment(key: str, value: object) -> str:
    # tables inside a section go inline, so that the next key still belongs to the section
    return f"{_key(key)} = {_literal(value)}"


def _key(key: str) -> str:
    return tomli_w.dumps({key: 0}).partition(" = ")[0]


def _literal(value: object) -> str:
    if isinstance(value, dict):
        inside = ", ".join(_assignment(str(key), item) for key, item in value.items() if item is not None)
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_literal(item) for item in value)}]"
    return tomli_w.dumps({"v": value}).removeprefix("v = ").strip()
