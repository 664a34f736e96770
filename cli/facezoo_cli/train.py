"""`facezoo train`: from settings to a run directory."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from facezoo.errors import FacezooError
from facezoo_cli.output import say
from facezoo_cli.stopping import interruptible

if TYPE_CHECKING:
    from rich.console import Console

    from facezoo.settings import RunSettings

_FILE = click.Path(dir_okay=False, path_type=Path)
_FOLDER = click.Path(file_okay=False, path_type=Path)


@click.command("train")
@click.argument("run", required=False, type=_FILE, metavar="[RUN.toml]")
@click.option("--head", metavar="NAME", help="The head: see `facezoo list-heads`.")
@click.option(
    "--data",
    metavar="PATH",
    help="A folder of identity folders, or another source of images.",
)
@click.option("--pairs", metavar="FILE", help='Pairs to verify: a file, "none", or what the data brings.')
@click.option("--preset", metavar="NAME", help="A preset of the head: see `facezoo show-head`.")
@click.option("--init-from", metavar="DIR", help="Start from the weights of a run, or imported ones.")
@click.option("--freeze", metavar="PART", help="Leave a part as it is: backbone.")
@click.option(
    "--set", "sets", multiple=True, metavar="SECTION.KEY=VALUE", help="Any setting; may be repeated."
)
@click.option("--out", type=_FOLDER, metavar="DIR", help="The run's directory; else runs/HEAD-TIME.")
@click.option("--dry-run", is_flag=True, help="Print every setting and where it comes from; train nothing.")
@click.option(
    "--resume", type=_FOLDER, metavar="DIR", help="Go on with the run in DIR, with its own settings."
)
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
) -> None:
    """Train a head on a folder of faces and verify it.

    Settings: defaults < preset < RUN.toml < the options here. The run directory keeps them in resolved.toml,
    and `facezoo train resolved.toml` repeats the run.
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
        _go_on(resume, dry_run)
    else:
        _start(run, preset, given, sets, out, dry_run)


def _start(
    run: Path | None,
    preset: str | None,
    flags: Mapping[str, str],
    sets: tuple[str, ...],
    out: Path | None,
    dry_run: bool,
) -> None:
    from facezoo.settings import resolve

    settings = resolve(run, preset, flags, sets)
    if dry_run:
        _show(settings)
        return
    from facezoo.training import train

    folder = out or _fresh_folder(settings)
    with interruptible(lambda: _how_to_go_on(folder)):
        train(settings, folder, console=_console())


def _go_on(folder: Path, dry_run: bool) -> None:
    if dry_run:
        from facezoo.settings import resolve

        _show(resolve(folder / "resolved.toml"))
        return
    from facezoo.training import resume

    with interruptible(lambda: _how_to_go_on(folder)):
        resume(folder, console=_console())


def _console() -> Console:
    from rich.console import Console

    return Console()


def _how_to_go_on(folder: Path) -> str:
    from facezoo.training import latest_checkpoint

    last = latest_checkpoint(folder)
    if last is None and not (folder / "resolved.toml").exists():
        return "Interrupted before the run began: nothing was written. To begin: the same command."
    saved = f"The last checkpoint is {last}." if last else "Nothing was saved yet."
    return f"Interrupted. {saved} To go on: facezoo train --resume {shlex.quote(str(folder))}"


def _show(settings: RunSettings) -> None:
    from facezoo.settings import to_toml

    say(to_toml(settings, origins=True), nl=False)


def _fresh_folder(settings: RunSettings) -> Path:
    return Path("runs") / f"{settings.head.spec.name}-{datetime.now():%Y%m%d-%H%M%S}"
