"""Settings that are paths: from where a relative one starts, and how it is kept."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from facezoo._words import shown
from facezoo.disk.paths import is_of_windows
from facezoo.errors import FacezooError
from facezoo.registry.sources import named_source

WORDS: Final[Mapping[str, frozenset[str]]] = {
    "data.path": frozenset(),
    "data.cache": frozenset({"auto", "none"}),
    "train.init_from": frozenset({"none"}),
    "evaluate.pairs": frozenset({"auto", "none"}),
    "evaluate.images": frozenset({"auto"}),
}
"""The settings that are paths, each with its values that are none."""
OF_SOURCES: Final = frozenset({"data.path", "evaluate.pairs"})
"""Those that may name a source of images. A folder of a source's name is written with `./` before it."""
LONGEST: Final = 255
"""Bytes of a file's name, in every usual file system."""
LONGEST_PATH: Final = 4000
BASE_NOTE: Final = "# paths are absolute, or start from this file's folder"
"""Second line of what facezoo writes. Without it they start from the working directory, as before."""


def base_of(file: Path, text: str) -> Path:
    """The folder that relative paths in a run file start from."""
    lines = text[:1000].splitlines()
    before = text.startswith("# facezoo ") and lines[1:2] != [BASE_NOTE]
    return Path.cwd() if before else file.parent


def located(setting: str, value: object, base: Path, origin: str) -> object:
    """The value of `section.key`, absolute if it is a path: a run is found again from any working directory.

    `~` is the home directory. Raises FacezooError for a path with control characters, which nobody means, and
    for one that no file system or no file of settings holds.
    """
    if not isinstance(value, str) or not value or setting not in WORDS or value in WORDS[setting]:
        return value
    if setting in OF_SOURCES and (source := named_source(value)):
        path = _absolute(source.rest, base)
        return value.removesuffix(source.rest) + path if source.rest and source.claims(path) else value
    if any(character < " " for character in value):
        message = f"{setting}: {value!r} holds control characters ({origin})"
        hint = r"In TOML a \ within double quotes begins an escape: write paths within single quotes."
        raise FacezooError(message, hint)
    if any("\ud800" <= character <= "\udfff" for character in value):
        message = f"{setting}: {shown(value)} is not UTF-8 text, in which settings are kept ({origin})"
        raise FacezooError(message, "Rename it, or make a link to it with another name (ln -s).")
    if max(len(part) for part in os.fsencode(value).split(b"/")) > LONGEST or len(value) > LONGEST_PATH:
        message = f"{setting}: {value[:40]!r}... is longer than a path can be ({origin})"
        raise FacezooError(message, f"A file's name has at most {LONGEST} bytes.")
    if is_of_windows(value):
        return value
    return _absolute(value, base)


def _absolute(value: str, base: Path) -> str:
    home = os.path.expanduser(value)  # noqa: PTH111  # which leaves `~nobody` as it is, where Path raises
    path = Path(base, home).absolute()
    # `..` behind a link leads elsewhere than the text says
    return str(path.resolve() if ".." in path.parts else path)
