"""`facezoo train`: from settings to a run directory."""

from __future__ import annotations

import shlex
import tomllib
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from facezoo.errors import FacezooError
from facezoo_cli.completing import HEAD, MODEL, PRESET
from facezoo_cli.options import FILE, FOLDER, as_json, data, out, sets
from facezoo_cli.output import say, say_json
from facezoo_cli.stopping import interruptible

if TYPE_CHECKING:
    from rich.console import Console

    from facezoo.settings import RunSettings


@click.command("train")
@click.argument("run", required=False, type=FILE, metavar="[FILE]")
@click.option("--head", type=HEAD, metavar="NAME", help="Train this head; `facezoo list heads` names all.")
@data("Train on SRC: a folder of identity folders, or another source of images.")
@click.option("--pairs", metavar="FILE", help='Verify these pairs, or "none"; else what the data brings.')
@click.option(
    "--preset",
    type=PRESET,
    metavar="NAME",
    help="Take a preset of the head; `facezoo show-head` shows them.",
)
@click.option(
    "--init-from",
    shell_complete=MODEL.shell_complete,
    metavar="RUN|FILE|FOLDER",
    help="Start from the weights of a run, or imported ones.",
)
@click.option("--freeze", metavar="PART", help="Leave a part as it is: backbone.")
@sets("Change any setting; may be repeated.")
@out("FOLDER", "Make FOLDER the run's directory; runs/HEAD-TIME if not given.")
@click.option("--dry-run", is_flag=True, help="Print every setting and where it comes from; train nothing.")
@click.option("--resume", type=FOLDER, metavar="RUN", help="Go on with a run, with its own settings.")
@as_json("Print the run and its evaluation as one object; progress goes to standard error.")
def command(
    run: Path | None,
    head: str | None,
    data: str | None,
    pairs: str | None,
    preset: str | None,
    init_from: str | None,
    freeze: str | None,
    sets: tuple[str, ...],
    out: Path | None,
    dry_run: bool,
    resume: Path | None,
    as_json: bool,
) -> None:
    """Train a head on a folder of faces and verify it.

    Settings: defaults < preset < FILE (TOML) < the options here. The run directory keeps them in
    resolved.toml, and `facezoo train resolved.toml` repeats the run.
    """
    flags = {
        "head.name": head,
        "data.path": data,
        "evaluate.pairs": pairs,
        "train.init_from": init_from,
        "train.freeze": freeze,
    }
    given = {key: value for key, value in flags.items() if value is not None}
    if resume is not None:
        if run or preset or sets or out or given:
            message = "--resume goes on with a run as it was started: it takes no other settings"
            raise FacezooError(message, f"Say `facezoo train --resume {resume}`, or start a new run.")
        if dry_run:
            from facezoo.runs.directory import config_of

            run = config_of(resume)
    if dry_run or resume is None:
        from facezoo.settings import resolve

        settings = resolve(run, preset, given, sets)
        if dry_run:
            _show(settings, as_json)
            return
    folder = resume or out or _fresh_folder(settings)
    with interruptible(lambda: _how_to_go_on(folder)):
        evaluation = _train(None if resume else settings, folder, _console(as_json))
    if as_json:
        say_json({"run": str(folder), **evaluation})


def _train(settings: RunSettings | None, folder: Path, console: Console) -> dict[str, Any]:
    """Train in a folder, or without settings go on with the run in it; return its evaluation."""
    from facezoo.training import resume, train

    return resume(folder, console=console) if settings is None else train(settings, folder, console=console)


def _console(as_json: bool) -> Console:
    from rich.console import Console

    return Console(stderr=as_json)


def _how_to_go_on(folder: Path) -> str:
    from facezoo.training import latest_checkpoint

    last = latest_checkpoint(folder)
    if last is None and not (folder / "resolved.toml").exists():
        return "Interrupted before the run began: nothing was written. To begin: the same command."
    saved = f"The last checkpoint is {last}." if last else "Nothing was saved yet."
    return f"Interrupted. {saved} To go on: facezoo train --resume {shlex.quote(str(folder))}"


def _show(settings: RunSettings, as_json: bool) -> None:
    from facezoo.settings import to_toml

    if as_json:
        say_json(tomllib.loads(to_toml(settings)))
    else:
        say(to_toml(settings, origins=True), nl=False)


def _fresh_folder(settings: RunSettings) -> Path:
    return Path("runs") / f"{settings.head.spec.name}-{datetime.now():%Y%m%d-%H%M%S}"
