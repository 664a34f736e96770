"""Where settings come from: presets, a TOML file, flags and `--set`, each a layer that knows its origin."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from facezoo._words import did_you_mean, shown
from facezoo.errors import FacezooError
from facezoo.settings.paths import base_of, located
from facezoo.settings.sections import SECTIONS

SECTION_NAMES = ("head", *SECTIONS)
LARGEST: Final = 2**20  # bytes; a run file has a few thousand
_FLAGS = {
    "head.name": "--head",
    "head.preset": "--preset",
    "data.path": "--data",
    "evaluate.pairs": "--pairs",
    "train.init_from": "--init-from",
    "train.freeze": "--freeze",
}


@dataclass
class Layered:
    """Values by section and key, each with its origin; what is added later wins."""

    values: dict[str, dict[str, object]] = field(default_factory=lambda: {name: {} for name in SECTION_NAMES})
    origins: dict[str, str] = field(default_factory=dict)
    base: Path = Path()
    """The folder that relative paths in what is added now start from."""

    def add(self, section: str, values: Mapping[str, object], origin: str) -> None:
        """Lay `values` over what `section` holds; paths become absolute."""
        settled = {
            key: located(f"{section}.{key}", value, self.base, origin) for key, value in values.items()
        }
        self.values[section].update(settled)
        self.origins.update({f"{section}.{key}": origin for key in values})

    def add_under(self, section: str, values: Mapping[str, object], origin: str) -> None:
        """Lay `values` under what `section` holds: only keys that are still unset are taken."""
        self.add(
            section, {key: value for key, value in values.items() if key not in self.values[section]}, origin
        )


def layered(toml_path: Path | None, flags: Mapping[str, object], sets: Iterable[str]) -> Layered:
    """Everything that was said, in order of precedence; presets and defaults come beneath it later."""
    layers = Layered()
    if toml_path is not None:
        text = read_text(toml_path)
        layers.base = base_of(toml_path, text)
        for section, values in parse_toml(toml_path, text).items():
            layers.add(section, values, toml_path.name)
        _refuse_foreign_head(layers, flags.get("head.name"), toml_path.name)
    layers.base = Path.cwd()
    for dotted, value in flags.items():
        section, key = split_key(dotted, dotted)
        layers.add(section, {key: value}, _FLAGS.get(dotted, "argument"))
    for text in sets:
        section, key, value = parse_set(text)
        layers.add(section, {key: value}, "--set")
    return layers


def _refuse_foreign_head(layers: Layered, asked: object, file: str) -> None:
    """Settings that a file holds for one head must not pass to another that happens to know their names."""
    written = layers.values["head"].get("name", asked)
    settings = layers.values["head"].keys() - {"name"}
    if asked is not None and written != asked and settings:
        message = (
            f"{file}: [head] holds settings of {written!r} ({', '.join(sorted(settings))}), not of {asked!r}"
        )
        raise FacezooError(message, "Take them out of the file, or train the head that it names.")


def read_text(path: Path) -> str:
    """The text of a run file; `FacezooError` where it cannot be read."""
    hint = "A run file is TOML, with sections such as [head] and [train]."
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST + 1)
        if len(raw) > LARGEST:
            raise FacezooError(f"{path}: larger than the {LARGEST:,} bytes of any run file", hint)
        return raw.decode("utf-8-sig")
    except OSError as error:
        raise FacezooError(f"{path}: cannot be read: {error.strerror or error}", hint) from error
    except UnicodeDecodeError as error:
        raise FacezooError(f"{path}: not UTF-8 text: {error.reason}", hint) from error


def parse_toml(path: Path, text: str) -> dict[str, dict[str, object]]:
    """The tables of a run file by section; `FacezooError` where it is no TOML or has other sections."""
    try:
        content = loads(text)
    except ValueError as error:
        escape = r"Within double quotes \ begins an escape: write paths of Windows within single quotes."
        raise FacezooError(f"{path}: not valid TOML: {error}", escape if "\\" in text else "") from error
    for section, values in content.items():
        if section not in SECTION_NAMES:
            raise _unknown_section(f"{path.name}: [{section}]", section)
        if not isinstance(values, dict):
            raise FacezooError(
                f"{path.name}: {section} must be a section, [{section}]; it is {shown(values)}"
            )
    return content


def loads(text: str) -> dict[str, Any]:
    """Parse TOML; ValueError as well for what Python's parser cannot hold."""
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except tomllib.TOMLDecodeError:
        raise
    except ValueError as error:  # Python converts no integer of more than 4,300 digits
        raise ValueError(str(error).partition(";")[0]) from None


def parse_set(text: str) -> tuple[str, str, object]:
    """Split `section.key=value`; the value is a TOML literal, and a bare word is a string."""
    dotted, equals, literal = text.partition("=")
    if not equals:
        raise FacezooError(
            f"--set {text}: no value", "Say --set section.key=value, as in --set train.epochs=20."
        )
    section, key = split_key(dotted.strip(), f"--set {text}")
    return section, key, toml_value(literal.strip())


def toml_value(literal: str) -> object:
    """The value of one TOML literal; text that is none stands for itself."""
    try:
        parsed = loads(f"value = {literal}")
    except ValueError:
        return literal
    return parsed["value"] if len(parsed) == 1 else literal


def split_key(dotted: str, said: str) -> tuple[str, str]:
    """Split `section.key`; `FacezooError`, beginning with what was `said`, where there is no such section."""
    section, dot, key = dotted.partition(".")
    if not dot or not key:
        homes = [f"{name}.{dotted}" for name, model in SECTIONS.items() if dotted in model.model_fields]
        nearest = f"; did you mean {homes[0]!r}?" if homes else ""
        raise FacezooError(
            f"{said}: {dotted!r} names no section{nearest}", "Say section.key, as in head.margin."
        )
    if section not in SECTION_NAMES:
        raise _unknown_section(f"{said}: {section!r}", section)
    return section, key


def _unknown_section(said: str, section: str) -> FacezooError:
    return FacezooError(
        f"{said}: unknown section{did_you_mean(section, SECTION_NAMES)}",
        f"Sections: {', '.join(SECTION_NAMES)}.",
    )
