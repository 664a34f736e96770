"""What a source of images declares, and which installed source a text such as `data.path` means.

A source is found through the entry-point group `facezoo.data` by its name, or by a path that it claims.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from facezoo._words import cut, first_line, printable, shown
from facezoo.errors import FacezooError
from facezoo.registry.entries import DATA, KINDS, OWN, PluginEntry, installed_plugins
from facezoo.registry.foreign import noted
from facezoo.registry.loading import broken, contained, find_entry, import_entry, owner

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
        """Whether it claims a path; a source that fails is told in a warning, and claims nothing."""
        with noted(lambda error: self._warn(path, error)):
            return bool(self.spec.claims(path))
        return False

    def _warn(self, path: str, error: BaseException) -> None:
        what = f"{owner(self.entry, KIND)} cannot say whether it reads {cut(printable(path))}"
        warnings.warn(f"{what}: {first_line(error)}", RuntimeWarning, stacklevel=5)


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
    return Source(entry, load_spec(entry), rest)


def meant_by(text: str) -> list[Source]:
    """The source that a text names, or else all that claim it as a path: facezoo's own is for what nobody
    else claims.

    Raises FacezooError where the source that is named cannot be used.
    """
    if source := named_source(text):
        return [source]
    found = [source for source in _usable(text) if source.claims(text)]
    return [source for source in found if source.entry.dist != OWN] or found


def default_source() -> Source | None:
    """The source that says that it is the default; None where there is none.

    Raises FacezooError where several say so.
    """
    found = [source for source in _usable() if source.spec.default]
    if len(found) > 1:
        names = " and ".join(source.entry.qualified for source in found)
        message = f"data.path: {names} both say that they are what is trained on by default"
        raise FacezooError(message, "Say which (--data NAME).")
    return found[0] if found else None


def load_spec(entry: PluginEntry) -> SourceSpec:
    """The record that an entry names; FacezooError where it cannot be imported, or is none."""
    spec = import_entry(entry, DATA, KIND)
    with contained(entry, KIND, "has a record that cannot be read"):
        if trouble := _trouble(entry, spec):
            raise broken(entry, KIND, trouble)
    assert isinstance(spec, SourceSpec)
    return spec


def _trouble(entry: PluginEntry, spec: object) -> str:
    """The first thing that is wrong with a record; empty where nothing is."""
    if not isinstance(spec, SourceSpec):
        return f"names a {type(spec).__name__} ({entry.value}), not a SourceSpec"
    if spec.name != entry.name:
        return f"calls itself {shown(spec.name)}: the entry point's name and the spec's must agree"
    for name, (fits, wanted) in _FIELDS.items():
        if not fits(value := getattr(spec, name)):
            return f"has the {name} {shown(value)}, not {wanted}"
    return ""


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_place(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[\w.]+:\w+", value) is not None


def _is_recipe(value: object) -> bool:
    return isinstance(value, Mapping) and all(isinstance(section, Mapping) for section in value.values())


_PLACE: Final = "'package.module:function'"
_FIELDS: Final[Mapping[str, tuple[Callable[[object], bool], str]]] = {
    "summary": (_is_text, "a text"),
    "open": (_is_place, _PLACE),
    "open_all": (lambda value: value == "" or _is_place(value), _PLACE),
    "pairs": (lambda value: value == "" or _is_place(value), _PLACE),
    "claims": (callable, "a function of a path"),
    "recipe": (_is_recipe, "a dict of sections, each with a dict of settings"),
    "preset": (_is_text, "a text"),
    "default": (lambda value: isinstance(value, bool), "true or false"),
}
"""What the fields must be: a dataclass does not look at what it is given."""


def _usable(rest: str = "") -> list[Source]:
    """All that can be used; broken ones are told in a warning, and take nothing from the others."""
    usable = []
    for entry in installed_plugins(DATA):
        if entry.status == "ok":
            try:
                usable.append(Source(entry, load_spec(entry), rest))
            except FacezooError as error:
                warnings.warn(str(error), RuntimeWarning, stacklevel=3)
    return usable
