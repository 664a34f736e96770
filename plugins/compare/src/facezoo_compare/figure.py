"""A comparison as a picture, drawn with matplotlib, which comes with the extra `facezoo[figures]`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from facezoo.errors import FacezooError
from facezoo_compare.analysis import Comparison, Row


def draw(comparison: Comparison, path: Path) -> None:
    """Draw every row's seeds as dots, its mean with the interval, and the baseline's mean as a line.

    Raises FacezooError where matplotlib is not installed, or `path` cannot be written.
    """
    rows = [row for row in comparison.rows if row.mean is not None]
    scale = 100 if comparison.unit == "%" else 1
    figure = _figure(figsize=(7, 1.2 + 0.45 * len(rows)), layout="constrained")
    axes = figure.subplots()
    for place, row in enumerate(rows):
        _draw_row(axes, place, row, scale)
        if row.label == comparison.baseline and row.mean is not None:
            axes.axvline(scale * row.mean, color="0.7", linewidth=1, zorder=0)
    axes.set_yticks(range(len(rows)), [row.label for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)  # the first row on top, and room beside the outer ones
    unit = f", {comparison.unit}" if comparison.unit else ""
    axes.set_xlabel(f"{comparison.metric} on {comparison.pairs}{unit}, with 95 % intervals")
    try:
        figure.savefig(path, dpi=150)
    except (OSError, ValueError) as problem:
        raise FacezooError(f"{path}: cannot be written ({problem})", "Give the name of a PNG.") from problem


def check(path: Path) -> None:
    """Raise the FacezooError of `draw`, as far as it can be told before there is anything to draw."""
    kinds = _figure().canvas.get_supported_filetypes()
    if path.suffix.removeprefix(".").lower() not in kinds:
        raise FacezooError(f"{path}: not the name of a picture", "Give the name of a PNG.")
    if not path.parent.is_dir():
        raise FacezooError(f"{path}: there is no folder {path.parent}", "Give the name of a PNG.")


def _figure(**options: Any) -> Any:
    try:
        from matplotlib.figure import Figure
    except ImportError as problem:
        message = "the figure needs matplotlib, which is not installed"
        raise FacezooError(
            message, "Install the extra `facezoo[figures]`, or leave out --figure."
        ) from problem
    return Figure(**options)


def _draw_row(axes: Any, place: int, row: Row, scale: int) -> None:
    assert row.mean is not None
    if row.interval is not None:
        ends = [scale * row.interval.low, scale * row.interval.high]
        axes.plot(ends, [place, place], color="C0", linewidth=2, solid_capstyle="butt")
    axes.plot([scale * row.mean], [place], "o", color="C0", markersize=7)
    seeds = [scale * figure for figure in row.figures.values()]
    axes.plot(seeds, [place] * len(seeds), "|", color="0.2", markersize=9)
