"""Curves of heads as a figure, drawn with matplotlib."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from facezoo.errors import FacezooError
from facezoo_plot.curves import HeadCurves
from facezoo_plot.panels import PANELS, Style, draw_boundary
from facezoo_plot.words import label, notes

COLOURS: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Those of Okabe and Ito, which colour-blind readers can tell apart; their yellow is too pale here."""

SUFFIXES: Final = (".png", ".svg")

# Only the first is solid: a line below another shows through its gaps.
_DASHES: Final = (
    "-",
    (0, (6, 2)),
    (0, (1.5, 1.5)),
    (0, (6, 2, 1.5, 2)),
    (0, (3, 1.5)),
    (0, (6, 2, 1.5, 2, 1.5, 2)),
    (0, (10, 4)),
)

STYLES: Final = [Style(colour, dash) for colour, dash in zip(COLOURS, _DASHES, strict=True)]

_FONTS: Final[Any] = {"font.size": 10, "axes.titlesize": 11, "axes.labelsize": 10, "svg.fonttype": "path"}


def check_possible(path: Path, heads: int) -> None:
    """Raise FacezooError where nothing could be drawn: before the heads are measured."""
    if path.suffix.lower() not in SUFFIXES:
        raise FacezooError(f"{path}: is neither a PNG nor an SVG", "Give a name ending in .png or .svg.")
    if not path.parent.is_dir():
        raise FacezooError(f"{path}: {path.parent} is no folder", "Make it, or name another.")
    if heads > len(COLOURS):
        message = f"{heads} heads in one figure: colours for {len(COLOURS)} can be told apart"
        raise FacezooError(message, "Draw them in several figures.")
    _import_figure()


def draw(heads: Sequence[HeadCurves], path: Path) -> None:
    """Draw the curves of 1 to 7 heads into a PNG or SVG.

    Raises FacezooError where matplotlib is not installed, `path` ends in anything else or cannot be written.
    """
    check_possible(path, len(heads))
    import matplotlib as mpl

    with mpl.rc_context(_FONTS):
        figure = drawn(heads)
        try:
            figure.savefig(path, dpi=110)
        except OSError as problem:
            message = f"{path}: cannot be written ({problem})"
            raise FacezooError(message, "Give the name of a file in a folder that exists.") from problem


def _import_figure() -> Any:
    try:
        from matplotlib.figure import Figure
    except ImportError as problem:
        message = "the figure needs matplotlib, which is not installed"
        hint = "Install the extra `facezoo[figures]`, or ask for the numbers with --json."
        raise FacezooError(message, hint) from problem
    return Figure


def drawn(heads: Sequence[HeadCurves]) -> Any:
    """The matplotlib figure: one panel per curve; those over norms only where a head depends on the norm."""
    styles = STYLES[: len(heads)]
    with_norms = any(head.depends_on_norm for head in heads)
    columns = 4 if with_norms else 3
    figure = _import_figure()(figsize=(4.1 * columns, 8.6), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.09, h_pad=0.07, hspace=0.04, wspace=0.03)
    cells = iter(figure.subplots(2, columns).flat)
    for panel in PANELS:
        if with_norms or not panel.norms:
            panel.draw(next(cells), heads, styles)
    draw_boundary(next(cells), heads, styles)
    _title(figure, heads, styles, 45 * columns)
    text = "\n".join(textwrap.fill(line, 56 * columns) for line in notes(heads))
    figure.supxlabel(text, x=0.01, ha="left", fontsize=9, color="0.25")
    return figure


def _title(figure: Any, heads: Sequence[HeadCurves], styles: Sequence[Style], width: int) -> None:
    labels = ["\n".join(textwrap.wrap(label(head), width)) for head in heads]
    if len(heads) == 1:
        figure.suptitle(labels[0], fontsize=13)
        return
    lines = [style.line() for style in styles]
    columns = len(heads) if sum(map(len, labels)) < width else 1
    figure.legend(lines, labels, loc="outside upper center", ncols=columns, fontsize=11, handlelength=3.5)
