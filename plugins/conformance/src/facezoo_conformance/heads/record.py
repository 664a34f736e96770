"""Checks of a head's record: settings, presets and declared properties."""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Callable, Iterator, Mapping
from typing import Final

import tomli_w
import torch
from pydantic import BaseModel, ValidationError

from facezoo.engine.classes import ClassParameter
from facezoo.errors import FacezooError
from facezoo.loss import HeadLoss
from facezoo.registry import LoadedHead
from facezoo_conformance.heads.case import LAYOUTS, SMALL, cases, draw, variants
from facezoo_conformance.heads.rules import head_check
from facezoo_conformance.rules import require

GROUP = "record"


@head_check(GROUP)
def strict_settings(head: LoadedHead) -> None:
    """Values of another type, NaN, infinity and unknown names are refused; a config cannot be changed."""
    for config in variants(head).values():
        for name, value in _impossible(config):
            try:
                head.configure({name: value})
            except FacezooError:
                continue
            require(False, f"{name} = {value!r} is accepted: derive the settings from facezoo.HeadConfig")
        require(_is_frozen(config), "a config can be changed: derive the settings from facezoo.HeadConfig")


def _impossible(config: BaseModel) -> Iterator[tuple[str, object]]:
    """Settings with values that no config may take; pydantic converts them unless it is strict."""
    yield "there_is_no_such_setting", 1
    for name in type(config).model_fields:
        value = getattr(config, name)
        if isinstance(value, bool):
            yield name, "true"
        elif isinstance(value, int | float):
            yield from ((name, each) for each in (str(value), math.nan, math.inf))


def _is_frozen(config: BaseModel) -> bool:
    try:
        for name in type(config).model_fields:
            setattr(config, name, getattr(config, name))
    except ValidationError:
        return True
    return not type(config).model_fields


@head_check(GROUP)
def described_settings(head: LoadedHead) -> None:
    """Every setting has a description, which `facezoo show-head` prints."""
    fields = head.spec.config.model_fields
    missing = [name for name, field in fields.items() if not field.description]
    require(not missing, f"without a description: {', '.join(missing)}; say Field(description=...)")


@head_check(GROUP)
def round_trip(head: LoadedHead) -> None:
    """Settings come back the same from the JSON and the TOML that a run keeps."""
    for settings, config in variants(head).items():
        values = {key: each for key, each in config.model_dump(mode="json").items() if each is not None}
        for form, read in {
            "JSON": json.loads(json.dumps(values)),
            "TOML": tomllib.loads(tomli_w.dumps(values)),
        }.items():
            try:
                back = head.configure(read)
            except FacezooError as error:
                require(False, f"{settings}, from {form}: {error.message}")
            require(back == config, f"{settings}: {form} gives {back!r}, not {config!r}")


@head_check(GROUP)
def presets(head: LoadedHead) -> None:
    """The defaults and every preset are valid, and valid settings build a loss in every layout."""
    for preset in (None, *head.spec.presets):
        try:
            head.configure({}, preset)
        except FacezooError as error:
            where = "defaults" if preset is None else f"preset {preset!r}"
            require(False, f"{where}: {error.message}")
    for case in cases(head):
        for layout in LAYOUTS:
            case.loss(layout)


@head_check(GROUP)
def properties(head: LoadedHead) -> None:
    """The declared properties are true, and none is missing: `memory` (it keeps embeddings),
    `class_parameters` (learned numbers per class), `scalars` (learned numbers of the whole head), `norms`
    (embeddings' lengths matter).
    """
    losses = [case.loss(dtype=torch.float64) for case in cases(head)]
    for name, has in _PROPERTIES.items():
        found, declared = any(map(has, losses)), name in head.spec.properties
        require(found or not declared, f"{name!r} is declared, and under no settings true")
        require(declared or not found, f"{name!r} is true, and not declared")
    unknown = sorted(set(head.spec.properties) - _PROPERTIES.keys())
    known = ", ".join(_PROPERTIES)
    require(not unknown, f"{', '.join(unknown)}: not among {known}; free words belong in tags")


def _keeps_embeddings(loss: HeadLoss) -> bool:
    return any(part.ndim > 1 and part.shape[-1] == loss.context.dim for part in loss.head.buffers())


def _learns_per_class(loss: HeadLoss) -> bool:
    return any(isinstance(part, ClassParameter) for part in loss.head.modules())


def _learns_scalars(loss: HeadLoss) -> bool:
    return any(part.ndim == 0 for part in loss.head.parameters())


@torch.no_grad()
def _sees_norms(loss: HeadLoss) -> bool:
    embeddings, labels = draw(SMALL, torch.float64)
    loss.eval()
    short, long = loss(embeddings, labels), loss(1.5 * embeddings, labels)
    return bool((long - short).abs() > 1e-9 * short.abs())


_PROPERTIES: Final[Mapping[str, Callable[[HeadLoss], bool]]] = {
    "memory": _keeps_embeddings,
    "class_parameters": _learns_per_class,
    "scalars": _learns_scalars,
    "norms": _sees_norms,
}
