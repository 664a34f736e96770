"""The panels of a figure: each shows one measurement over one axis."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from facezoo_plot.curves import FIXED_OTHER, FIXED_OWN, HeadCurves
from facezoo_plot.geometry import CLASSES

_OWN = "angle θ to the own class, degrees"
_OTHER = "angle θ′ to the other class, degrees"


@dataclass(frozen=True)
class Style:
    """How the lines of one head look."""

    colour: str
    dash: Any

    def line(self) -> Any:
        """One line for the legend."""
        from matplotlib.lines import Line2D

        return Line2D([], [], color=self.colour, linestyle=self.dash, linewidth=2)


@dataclass(frozen=True)
class Panel:
    """One curve per head."""

    title: str
    x: str
    y: str
    over: Callable[[HeadCurves], np.ndarray]
    values: Callable[[HeadCurves], np.ndarray]
    norms: bool = False

    def draw(self, axes: Any, heads: Sequence[HeadCurves], styles: Sequence[Style]) -> None:
        """Draw every head's curve and name the axes."""
        for head, style in zip(heads, styles, strict=True):
            values = self.values(head)
            axes.plot(self.over(head), values, color=style.colour, linestyle=style.dash, linewidth=2)
        _name(axes, self.title, self.x, self.y)
        (_norm_axis if self.norms else _angle_axis)(axes)


PANELS: Final = (
    Panel(
        "Target logit",
        _OWN,
        f"above the logit of a class at {FIXED_OTHER:g}°",
        lambda head: head.angles,
        lambda head: head.target_logit,
    ),
    Panel(
        "Slope of the target logit",
        _OWN,
        "fall of the logit, per radian",
        lambda head: head.angles,
        lambda head: head.target_slope,
    ),
    Panel(
        f"Pull to the own class, {CLASSES - 1} others at {FIXED_OTHER:g}°",
        _OWN,
        "∂loss/∂θ, per radian",
        lambda head: head.angles,
        lambda head: head.pull,
    ),
    Panel(
        "Margin",
        "norm of the embedding",
        f"{FIXED_OTHER:g}° − θ of equal logits, degrees",
        lambda head: head.norms,
        lambda head: head.margin,
        norms=True,
    ),
    Panel(
        f"Logit of another class, own at {FIXED_OWN:g}°",
        _OTHER,
        f"above that at {FIXED_OTHER:g}°",
        lambda head: head.angles,
        lambda head: head.other_logit,
    ),
    Panel(
        f"Push from another class, own at {FIXED_OWN:g}°",
        _OTHER,
        "−∂loss/∂θ′, per radian",
        lambda head: head.angles,
        lambda head: head.push,
    ),
    Panel(
        f"Pull to the own class at {FIXED_OWN:g}°",
        "norm of the embedding",
        "∂loss/∂θ, per radian",
        lambda head: head.norms,
        lambda head: head.norm_pull,
        norms=True,
    ),
)


def draw_boundary(axes: Any, heads: Sequence[HeadCurves], styles: Sequence[Style]) -> None:
    """The plane of the angles to two classes: solid for embeddings of class 1, thin for those of class 2."""
    axes.plot([0, 120], [0, 120], color="0.6", linewidth=1, linestyle=":")
    for head, style in zip(heads, styles, strict=True):
        own, other = head.boundary_own, head.boundary_other
        if len(heads) == 1 and len(own):
            axes.fill_between(own, other, 180, color=style.colour, alpha=0.15, linewidth=0)
            axes.fill_betweenx(own, other, 180, color=style.colour, alpha=0.15, linewidth=0)
        axes.plot(own, other, color=style.colour, linestyle=style.dash, linewidth=2)
        axes.plot(other, own, color=style.colour, linestyle=style.dash, linewidth=1)
    _name(axes, "Decision boundary of two classes", "θ₁ to class 1, degrees", "θ₂ to class 2, degrees")
    for limits, ticks in ((axes.set_xlim, axes.set_xticks), (axes.set_ylim, axes.set_yticks)):
        ticks(range(0, 121, 30))
        limits(0, 120)
    axes.set_aspect("equal")
    axes.text(5, 115, "class 1", ha="left", va="top")
    axes.text(115, 5, "class 2", ha="right", va="bottom")


def _name(axes: Any, title: str, x: str, y: str) -> None:
    axes.set_title(title)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.grid(color="0.9", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def _angle_axis(axes: Any) -> None:
    axes.set_xticks(range(0, 181, 30))
    axes.set_xlim(0, 180)


def _norm_axis(axes: Any) -> None:
    axes.set_xscale("log")
    ticks = [2, 5, 10, 20, 50, 100, 200]
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.minorticks_off()
    axes.set_xlim(2, 200)
    low, high = axes.get_ylim()
    axes.set_ylim(min(low, 0.0), high)
