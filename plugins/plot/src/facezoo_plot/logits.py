"""Logits read back from a loss.

Between two classes a cross-entropy is softplus(-l), where l is the logit of the own class minus that of the
other: l = -log(expm1(loss)) is exact, and its slope, as it is propagated back, is the loss's divided by
-(1 - exp(-loss)). Of any other loss that is its *effective* logit: the one at which a cross-entropy is as
large.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from facezoo_plot.scene import Measured, Scene

Kind = Literal["exact", "part", "effective"]

_OWN, _OTHER = 70.0, (80.0, 100.0)  # degrees at which losses are told apart


@dataclass(frozen=True)
class Reader:
    """Reads logits of a head with two classes.

    `kind`: "exact" where the loss is a cross-entropy; "part" where one of several parts, named in `parts`,
    is; "effective" otherwise. `floor` is the least value, counted where a loss goes below 0.
    """

    scene: Scene
    kind: Kind
    parts: tuple[str, ...]
    floor: float

    def logit(self, own: float, other: float) -> float:
        """Own logit minus the other's at these angles in degrees."""
        return _inverted(self._value(self.scene.measure(own, other, slopes=False).values))

    def slope(self, own: float, other: float) -> float:
        """How fast the logit falls as the own angle grows, per radian; nan where the loss vanishes."""
        found = self.scene.measure(own, other)
        value = self._value(found.values)
        return sum(found.by_own[name] for name in self.parts) / -math.expm1(-value) if value > 0 else math.nan

    def logit_beside(self, own: float, norm: float, rows: Tensor, labels: Tensor) -> float:
        """The logit of an embedding of this norm in a batch with others, of which it shares the statistics.

        The other class is at 90 degrees.
        """
        found = self.scene.measure(own, 90, norm, beside=(rows, labels), slopes=False).values
        theirs = self.scene.alone(rows, labels)
        return _inverted(self._value(found) - len(rows) * sum(theirs[name] for name in self.parts))

    def _value(self, values: dict[str, float]) -> float:
        return sum(values[name] for name in self.parts) - self.floor


def reader_of(scene: Scene) -> Reader:
    """Find out what kind of loss this is."""
    near, far = (scene.measure(_OWN, other) for other in _OTHER)
    moved = [name for name in near.values if near.by_own[name] != 0 or near.by_other[name] != 0]
    entropies = [name for name in moved if _is_cross_entropy(name, near, far)]
    if len(entropies) == 1:
        return Reader(scene, "exact" if len(moved) == 1 else "part", tuple(entropies), 0.0)
    least = scene.measure(0, 180, slopes=False).values
    return Reader(scene, "effective", tuple(moved), min(0.0, sum(least[name] for name in moved)))


def _is_cross_entropy(name: str, near: Measured, far: Measured) -> bool:
    """Whether the slope of the logit by the own angle does not depend on where the other class is."""
    if near.by_own[name] == 0 or near.by_other[name] == 0:
        return False
    if min(near.values[name], far.values[name]) <= 0:
        return False
    slopes = [found.by_own[name] / math.expm1(-found.values[name]) for found in (near, far)]
    return math.isclose(*slopes, rel_tol=1e-6)


def _inverted(value: float) -> float:
    if value <= 0:
        return math.inf
    return -value - math.log(-math.expm1(-value))
