"""Where settings come from: presets, a TOML file, flags and `--set`, each a layer that knows its origin."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from facezoo._words import did_you_mean
from facezoo.errors import FacezooError
from facezoo.settings.sections import SECTIONS

SECTION_NAMES = ("head", *SECTIONS)
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

    def add(self, section: str, values: Mapping[str, object], origin: str) -> None:
        """Lay `values` over what `section` holds."""
        self.values[section].update(values)
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
        for section, values in read_toml(toml_path).items():
            layers.add(section, values, toml_path.name)
        _refuse_foreign_head(layers, flags.get("head.name"), toml_path.name)
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


def read_toml(path: Path) -> dict[str, dict[str, object]]:
    """Read a run file: tables by section. `FacezooError` where it cannot be read or has other sections."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        message = f"{path}: cannot be read: {error.strerror or error}"
        raise FacezooError(
            message, "A run file is TOML, with sections such as [head] and [train]."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FacezooError(f"{path}: not valid TOML: {error}") from error
    for section, values in content.items():
        if section not in SECTION_NAMES:
            raise _unknown_section(f"{path.name}: [{section}]", section)
        if not isinstance(values, dict):
            raise FacezooError(f"{path.name}: {section} must be a section, [{section}]; it is {values!r}")
    return content


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
        parsed = tomllib.loads(f"value = {literal}")
    except tomllib.TOMLDecodeError:
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
