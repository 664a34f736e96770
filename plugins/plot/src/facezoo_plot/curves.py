"""What is measured of a head: curves over angles and norms, as NumPy arrays."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

import numpy as np
from pydantic import BaseModel

from facezoo.registry import LoadedHead
from facezoo.registry.foreign import IN_ITS_CODE, Contained
from facezoo_plot.logits import Kind, Reader, reader_of
from facezoo_plot.made_up_run import at_their_class, companions, many_classes, two_classes
from facezoo_plot.scene import NORM, Scene

FIXED_OWN: Final = 60.0
"""The own angle, in degrees, where something else varies."""

FIXED_OTHER: Final = 90.0
"""The angle to the other class, in degrees, where something else varies: that of random directions."""

# Heads switch by exact comparisons at 0, 90 and the other class's own angle: no value lies there.
_ANGLES: Final = np.arange(0.5, 180.0)
_BOUNDARY_OWN: Final = np.concatenate([[0.0], np.arange(1.0, 120.0, 2.0), [120.0]])
_BOUNDARY_OTHER: Final = np.arange(95.0, 181.0, 5.0)
_NORMS: Final = np.geomspace(2.0, 200.0, 61)
_STRIDE: Final = 15.0
_HALVINGS: Final = 11


@dataclass(frozen=True, kw_only=True, eq=False)
class HeadCurves:
    """What was measured of one head. Angles are in degrees, slopes and forces per radian; nan where there is
    no value. Arrays are [n] float64.
    """

    head: str
    preset: str | None
    settings: Mapping[str, object]
    """Those that differ from the head's defaults."""

    numbers: Mapping[str, float]
    """The head's own single numbers at the end of the made-up run."""

    kind: Kind
    parts: tuple[str, ...]
    """What the logits are: see `logits.Reader`."""

    angles: np.ndarray
    """Over these: the five below."""

    target_logit: np.ndarray
    """Own logit over the own angle; 0 is the logit of another class at 90 degrees."""

    target_slope: np.ndarray
    """How fast it falls as the own angle grows, by its gradient."""

    other_logit: np.ndarray
    """Logit of another class over its angle, less that at 90 degrees; the own angle is 60 degrees."""

    pull: np.ndarray
    """Derivative of the loss by the own angle, with `CLASSES` classes, the others at 90 degrees."""

    push: np.ndarray
    """Derivative of the loss, downwards, by the angle to one other class; own 60, the others 90 degrees."""

    boundary_own: np.ndarray
    boundary_other: np.ndarray
    """How near another class may come at an own angle before the own logit is no longer above its."""

    norms: np.ndarray
    """Norms of the embedding, among others of norm `NORM` +- `SPREAD`: over these the two below."""

    margin: np.ndarray
    """90 degrees less the own angle at which the own logit equals that of a class at 90 degrees."""

    norm_pull: np.ndarray
    """`pull` at 60 degrees."""

    @property
    def depends_on_norm(self) -> bool:
        """Whether margin or pull do."""
        return any(_varies(values) for values in (self.margin, self.norm_pull))

    def as_dict(self) -> dict[str, Any]:
        """Everything in JSON's types; None for what has no finite value."""
        return {field.name: _plain(getattr(self, field.name)) for field in fields(self)}


def probe(loaded: LoadedHead, config: BaseModel, preset: str | None = None) -> HeadCurves:
    """Measure a head with these settings, which takes some seconds; `preset` is only noted.

    Raises FacezooError for a head that cannot be built, or fails while it is measured.
    """
    with Contained(f"{loaded.owner} cannot be measured", IN_ITS_CODE):
        return _measured(loaded, config, preset)


def _measured(loaded: LoadedHead, config: BaseModel, preset: str | None) -> HeadCurves:
    many = many_classes(loaded, config)
    reader = reader_of(two_classes(many))
    zero = reader.logit(FIXED_OWN, FIXED_OTHER)
    boundary = _boundary(reader)
    return HeadCurves(
        head=loaded.spec.name,
        preset=preset,
        settings=differing(config),
        numbers=many.numbers(),
        kind=reader.kind,
        parts=reader.parts,
        angles=_ANGLES,
        target_logit=_sweep(lambda angle: reader.logit(angle, FIXED_OTHER), _ANGLES),
        target_slope=_sweep(lambda angle: reader.slope(angle, FIXED_OTHER), _ANGLES),
        other_logit=_sweep(lambda angle: zero - reader.logit(FIXED_OWN, angle), _ANGLES),
        pull=_sweep(lambda angle: _forces(many, angle, FIXED_OTHER)[0], _ANGLES),
        push=_sweep(lambda angle: _forces(many, FIXED_OWN, angle)[1], _ANGLES),
        boundary_own=boundary[:, 0],
        boundary_other=boundary[:, 1],
        norms=_NORMS,
        margin=_margins(reader),
        norm_pull=_sweep(lambda norm: _forces(many, FIXED_OWN, FIXED_OTHER, norm)[0], _NORMS),
    )


def _forces(many: Scene, own: float, other: float, norm: float = NORM) -> tuple[float, float]:
    """Pull to the own class and push from the other, among the rows of the made-up run."""
    found = many.measure(own, other, norm, companions())
    return sum(found.by_own.values()), -sum(found.by_other.values())


def differing(config: BaseModel) -> dict[str, object]:
    """The settings that are not at their default."""
    defaults = {name: field.get_default() for name, field in type(config).model_fields.items()}
    return {name: value for name, value in config if value != defaults[name]}


def _boundary(reader: Reader) -> np.ndarray:
    """Points [n, 2], own and other angle, where the logit first falls to 0 as the other class comes nearer;
    and where it does as the own class goes away, for boundaries that are steep.
    """
    others = _sweep(
        lambda own: 180 - _first_root(lambda turned: reader.logit(own, 180 - turned)), _BOUNDARY_OWN
    )
    owns = _sweep(lambda other: _first_root(lambda own: reader.logit(own, other)), _BOUNDARY_OTHER)
    points = np.concatenate([np.stack([_BOUNDARY_OWN, others], 1), np.stack([owns, _BOUNDARY_OTHER], 1)])
    points = points[np.isfinite(points).all(1) & (points[:, 0] <= _BOUNDARY_OWN[-1])]
    return points[np.lexsort((points[:, 1], points[:, 0]))]


def _margins(reader: Reader) -> np.ndarray:
    """The margin at every norm; found once where the logits do not depend on it."""
    settled = at_their_class()
    logits = _sweep(lambda norm: reader.logit_beside(FIXED_OWN, norm, *settled), _NORMS)
    norms = _NORMS if _varies(logits) else _NORMS[:1]
    roots = _sweep(lambda norm: _first_root(lambda own: reader.logit_beside(own, norm, *settled)), norms)
    return FIXED_OTHER - np.broadcast_to(roots, _NORMS.shape)


def _first_root(function: Callable[[float], float]) -> float:
    """Where in 0 to 180 the function first falls to 0; nan where it begins there, or never does."""
    if not function(0.0) > 0:
        return math.nan
    for end in np.arange(_STRIDE, 181.0, _STRIDE).tolist():
        if not function(end) > 0:
            return _bisected(function, end - _STRIDE, end)
    return math.nan


def _bisected(function: Callable[[float], float], low: float, high: float) -> float:
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if function(middle) > 0 else (low, middle)
    return (low + high) / 2


def _sweep(function: Callable[[float], float], values: np.ndarray) -> np.ndarray:
    found = np.array([function(float(value)) for value in values])
    return np.where(np.isfinite(found), found, np.nan)


def _varies(values: np.ndarray) -> bool:
    finite = values[np.isfinite(values)]
    return len(finite) > 0 and bool(np.ptp(finite) > 1e-3 * np.abs(finite).max())


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return [_plain(entry) for entry in value.tolist()]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return list(value) if isinstance(value, tuple) else value
