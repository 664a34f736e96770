"""`facezoo plot-head`: what the margins of one or several heads do, as a picture or in numbers."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from facezoo.errors import FacezooError
from facezoo_cli.completing import PRESET, Head
from facezoo_cli.options import as_json, out, sets
from facezoo_cli.output import say, say_json

if TYPE_CHECKING:
    from facezoo_plot.curves import HeadCurves


@click.command("plot-head")
@click.argument("heads", nargs=-1, required=True, type=Head(presets=True), metavar="NAME...")
@click.option(
    "--preset", type=PRESET, metavar="NAME", help="Take this preset where a head is given without one."
)
@sets("Change a setting of every head; may be repeated. SECTION is head.")
@out("FILE", "Write the picture to FILE, a .png or .svg; to NAME-NAME.png if not given.")
@as_json("Print the numbers of the curves, and draw nothing unless --out is given.")
def command(
    heads: tuple[str, ...], preset: str | None, sets: tuple[str, ...], out: Path | None, as_json: bool
) -> None:
    """Draw what the margins of heads do, over angles and norms.

    Every NAME is a head, or NAME@PRESET. Target logit and its slope, pull and push, the other class's logit,
    the decision boundary, and what depends on the embedding's norm.
    """
    from facezoo_plot.figure import check_possible, draw

    asked = [_split(name, preset) for name in heads]
    path = out if out or as_json else Path("-".join(name.replace(":", "_") for name, _ in asked) + ".png")
    if path is not None:
        check_possible(path, len(heads))
    curves = _measure(asked, _settings(sets))
    if path is not None:
        draw(curves, path)
        say(f"written to {path}", err=as_json)
    if as_json:
        say_json({"heads": [head.as_dict() for head in curves]}, indent=None)


def _split(name: str, preset: str | None) -> tuple[str, str | None]:
    head, at, own = name.partition("@")
    if at and not own:
        raise FacezooError(f"{name}: names no preset", "Say NAME, or NAME@PRESET.")
    return head, own or preset


def _settings(sets: Iterable[str]) -> dict[str, object]:
    from facezoo.settings.layers import parse_set

    settings: dict[str, object] = {}
    for text in sets:
        section, key, value = parse_set(text)
        if section != "head":
            raise FacezooError(f"--set {text}: a margin has no {section}", "Say --set head.KEY=VALUE.")
        settings[key] = value
    return settings


def _measure(asked: list[tuple[str, str | None]], settings: dict[str, object]) -> list[HeadCurves]:
    """Check all settings first, then measure head after head."""
    from facezoo.registry import load_head
    from facezoo_plot.curves import probe

    loaded = [load_head(name) for name, _ in asked]
    origins = {f"head.{key}": "--set" for key in settings}
    presets = [preset for _, preset in asked]
    configs = [
        head.configure(settings, preset, origins) for head, preset in zip(loaded, presets, strict=True)
    ]
    curves = []
    for number, (head, config, preset) in enumerate(zip(loaded, configs, presets, strict=True), 1):
        say(f"[{number}/{len(loaded)}] {head.spec.name}", err=True)
        curves.append(probe(head, config, preset))
    return curves
