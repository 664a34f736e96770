"""Options that commands share, so that one word means one thing everywhere.

Their words, too: RUN is a run directory or a checkpoint; FILE and FOLDER are paths; SRC is a set of images, a
folder or what a data source is named; NAME is something installed; N is a whole number. Commands of other
distributions take them from here.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from facezoo.errors import FacezooError
from facezoo_cli.completing import MODEL, SOURCE

FILE: Final = click.Path(dir_okay=False, path_type=Path)
FOLDER: Final = click.Path(file_okay=False, path_type=Path)
PATH: Final = click.Path(path_type=Path)

Function = TypeVar("Function", bound=Callable[..., Any])


def as_json(help: str) -> Callable[[Function], Function]:  # noqa: A002 (click's word)
    """`--json`: print what the command has to say as JSON; `as_json` in the command."""
    return click.option("--json", "as_json", is_flag=True, help=help)


def out(metavar: str, help: str, **more: Any) -> Callable[[Function], Function]:  # noqa: A002 (click's word)
    """`-o/--out`: where the command writes, a Path; `metavar` is FILE or FOLDER."""
    more = {"type": {"FILE": FILE, "FOLDER": FOLDER}[metavar], **more}
    return click.option("-o", "--out", metavar=metavar, help=help, **more)


def data(help: str, **more: Any) -> Callable[[Function], Function]:  # noqa: A002 (click's word)
    """`--data SRC`: the set of images that the command works on, a text."""
    return click.option("--data", type=SOURCE, metavar="SRC", help=help, **more)


def count(
    name: str,
    help: str,  # noqa: A002 (click's word)
    *,
    least: int = 1,
    usual: int | None = None,
) -> Callable[[Function], Function]:
    """An option that is a whole number of at least `least`; `help` says what it is if not given."""
    return click.option(name, type=click.IntRange(least), default=usual, metavar="N", help=help)


def sets(help: str) -> Callable[[Function], Function]:  # noqa: A002 (click's word)
    """`--set SECTION.KEY=VALUE`, which may be repeated; `sets` in the command."""
    return click.option("--set", "sets", multiple=True, metavar="SECTION.KEY=VALUE", help=help)


def model(*, required: bool = True, behind: str = "") -> Callable[[Function], Function]:
    """The argument RUN and the option `--model`, of which one is given: `run` in the command, a Path.

    `behind` is the argument, a text, that stands behind RUN: it comes first where `--model` is given.
    """

    def decorate(function: Function) -> Function:
        @click.argument("run", required=False, type=MODEL, metavar="[RUN]")
        @click.option("--model", type=MODEL, metavar="RUN|FILE|FOLDER", help="The model, instead of RUN.")
        @wraps(function)
        def with_model(run: Path | None, model: Path | None, **given: Any) -> Any:
            if model is not None and behind and given[behind] is None:
                run, given[behind] = None, run and str(run)
            if run is not None and model is not None:
                message = f"RUN and --model: two models, {run} and {model}"
                raise FacezooError(message, "Give one of them.")
            if required and run is None and model is None:
                raise FacezooError("no model is given", "Say RUN, or --model RUN|FILE|FOLDER.")
            return function(run=model if run is None else run, **given)

        return with_model  # type: ignore[return-value]

    return decorate
