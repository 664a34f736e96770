"""What a source of images declares, and which installed source a text such as `data.path` means.

A source is found through the entry-point group `facezoo.data` by its name, or by a path that it claims.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from facezoo.errors import FacezooError
from facezoo.registry.entries import DATA, KINDS, PluginEntry, installed_plugins
from facezoo.registry.loading import find_entry
from facezoo.registry.records import PLACE, Records, is_place, is_text

KIND: Final = KINDS[DATA]
ELSEWHERE: Final[Mapping[str, str]] = {"orl": "facezoo-orl"}
"""Names that older runs have as `data.path`, each with the distribution that it takes."""


def _nothing(path: str) -> bool:
    return False


@dataclass(frozen=True, kw_only=True)
class SourceSpec:
    """One source of images, as its entry point in the group `facezoo.data` offers it.

    The module that holds the record is imported to resolve settings, so it must import neither torch nor
    numpy; what opens the images is named as a string and imported when they are opened.
    """

    name: str
    """The source's name: the same as its entry point's. `data.path = "name"` or `"name:rest"` means it."""

    summary: str
    """What it gives, in one line."""

    open: str
    """`"package.module:function"`, called as `function(rest)`; returns `facezoo.data.Images` with identities,
    to train on. `rest` is what stands behind `name:`, or the path that is claimed; "" for the bare name."""

    open_all: str = ""
    """The same for all images that there are, identities or not, which `facezoo embed` takes; "": `open`."""

    pairs: str = ""
    """`"package.module:function"`, called as `function(rest)`; returns `facezoo.data.OwnPairs`, which
    verification takes unless others are named; "" where the source brings none."""

    claims: Callable[[str], bool] = _nothing
    """Whether a path is one of this source's, from a look that reads no image: `rest` is then that path."""

    recipe: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    """Settings by section and key, in place of the defaults."""

    preset: str = ""
    """The preset of a head, where it has one of this name, that is taken unless another is named."""

    default: bool = False
    """Whether it is what is trained on where no `data.path` is given."""


@dataclass(frozen=True)
class Source:
    """An installed source, and what of it is meant."""

    entry: PluginEntry
    spec: SourceSpec
    rest: str = ""
    """What its functions are called with."""

    def claims(self, path: str) -> bool:
        """Whether it claims a path, whoever else does."""
        return SOURCES.claims(self.entry, self.spec, path)


def _is_recipe(value: object) -> bool:
    return isinstance(value, Mapping) and all(isinstance(section, Mapping) for section in value.values())


SOURCES: Final = Records(
    DATA,
    SourceSpec,
    {
        "open_all": (lambda value: value == "" or is_place(value), PLACE),
        "pairs": (lambda value: value == "" or is_place(value), PLACE),
        "recipe": (_is_recipe, "a dict of sections, each with a dict of settings"),
        "preset": (is_text, "a text"),
        "default": (lambda value: isinstance(value, bool), "true or false"),
    },
)


def split_name(text: str) -> tuple[str, str] | None:
    """The source's name (`name` or `dist:name`) that a text begins with and the rest behind it; None where it
    begins with no installed source's.
    """
    installed = installed_plugins(DATA)
    parts = text.split(":")
    for count in (2, 1):
        name = ":".join(parts[:count])
        if name in ELSEWHERE or any(entry.answers_to(name) for entry in installed):
            return name, ":".join(parts[count:])
    return None


def named_source(text: str) -> Source | None:
    """The source that a text names; None where it begins with no source's name, and so is a path.

    Raises FacezooError where that source cannot be used.
    """
    found = split_name(text)
    if found is None:
        return None
    name, rest = found
    dist = ELSEWHERE.get(name)
    if dist and not any(entry.answers_to(name) for entry in installed_plugins(DATA)):
        message = f"{KIND} {name!r} comes with {dist}, which is not installed"
        raise FacezooError(message, f"Install it: pip install {dist}. A folder of that name is ./{name}.")
    entry = find_entry(DATA, KIND, name)
    return Source(entry, SOURCES.load(entry), rest)


def meant_by(text: str) -> list[Source]:
    """The source that a text names, or else all that claim it as a path: facezoo's own is for what nobody
    else claims.

    Raises FacezooError where the source that is named cannot be used.
    """
    if source := named_source(text):
        return [source]
    return [Source(entry, spec, text) for entry, spec in SOURCES.claiming(text)]


def default_source() -> Source | None:
    """The source that says that it is the default; None where there is none.

    Raises FacezooError where several say so.
    """
    found = [Source(entry, spec) for entry, spec in SOURCES.usable() if spec.default]
    if len(found) > 1:
        names = " and ".join(source.entry.qualified for source in found)
        message = f"data.path: {names} both say that they are what is trained on by default"
        raise FacezooError(message, "Say which (--data NAME).")
    return found[0] if found else None
