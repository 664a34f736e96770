"""The command `facezoo`: the table of commands, and the one place where errors are printed."""

from __future__ import annotations

import os
import warnings
from contextlib import contextmanager, suppress
from errno import ENAMETOOLONG
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TextIO

import click

from facezoo._words import cut, printable, printable_lines
from facezoo.errors import FacezooError
from facezoo_cli.output import say, survive_any_encoding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

COMMANDS: Final = {
    "train": "Train a head on a folder of faces and verify it.",
    "evaluate": "Evaluate a run, or embeddings from anywhere, with intervals.",
    "embed": "Embed every image below a folder into a file.",
    "threshold": "Choose the threshold for a false accept rate, with its interval.",
    "compare": "Train heads under one recipe and say which differences hold.",
    "data": "Look at sets of images before training on them.",
    "import-weights": "Turn an insightface .pth into a folder for --init-from.",
    "list-heads": "List the heads that are installed.",
    "show-head": "Show a head's settings, presets and source.",
    "plot-head": "Draw what the margins of heads do, over angles and norms.",
    "new-head": "Write the package of a head of your own, to start from.",
    "check-head": "Hold a head to every check that heads must pass.",
    "show-checkpoint": "Show where a checkpoint comes from and what its weights expect.",
    "doctor": "Call everything and report what is broken.",
}
"""Name -> help line. A command's module is imported when it runs, so its help stands here for `--help`."""


class ReportedError(click.ClickException):
    """A `FacezooError` on its way to the terminal: message and hint on stderr, exit code 2."""

    exit_code = 2

    def __init__(self, error: FacezooError) -> None:
        super().__init__(error.message)
        self.hint = error.hint

    def show(self, file: Any = None) -> None:
        """Print the message, and the hint below it."""
        say(self.message, mark="Error: ", colour="red", file=file, err=True)
        if self.hint:
            say(self.hint, mark="Hint: ", colour="reset", file=file, err=True)


class Commands(click.Group):
    """A group whose commands are imported on use and whose `FacezooError`s end here."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands, in the order of `--help`."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command's module; `--traceback` may stand behind any of them."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"facezoo_cli.{cmd_name.replace('-', '_')}").command
        _admit_traceback(command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; an unknown one is answered with the nearest."""
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            from facezoo._words import did_you_mean

            ctx.fail(f"no such command {args[0]!r}{did_you_mean(args[0], COMMANDS)}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command: the one place where a `FacezooError` is caught."""
        try:
            with _names_of_a_length():
                return super().invoke(ctx)
        except FacezooError as error:
            if ctx.meta.get("traceback"):
                import traceback

                say("".join(traceback.format_exception(error)), err=True)
            raise ReportedError(error) from error
        except click.ClickException as error:  # click quotes what was typed, such as a file's name
            error.message = printable_lines(error.message)  # type: ignore[misc]
            raise

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run the command line, whatever the encoding of the streams that it writes to."""
        survive_any_encoding()
        # else pydantic reads the entry points of everything there is, and one damaged line ends facezoo
        os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
        return super().main(*args, **kwargs)


def _remember(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        ctx.meta["traceback"] = True  # the mapping is shared between a command and its group


def _admit_traceback(command: click.Command) -> None:
    if not any(parameter.name == "traceback" for parameter in command.params):
        command.params.append(_traceback_option())
    for inner in command.commands.values() if isinstance(command, click.Group) else []:
        _admit_traceback(inner)


def _traceback_option() -> click.Option:
    return click.Option(
        ["--traceback"],
        is_flag=True,
        expose_value=False,
        callback=_remember,
        help="Show where an error arose.",
    )


def _show_version(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        import facezoo

        say(f"facezoo {facezoo.__version__}")
        ctx.exit()


@contextmanager
def _names_of_a_length() -> Iterator[None]:
    """Turn the system's error about a name that is too long into one of facezoo's.

    Whatever is named on the command line may be one, and any question about it raises, even whether it is
    there.
    """
    try:
        yield
    except OSError as problem:
        if problem.errno != ENAMETOOLONG:
            raise
        message = f"{cut(printable(os.fsdecode(problem.filename or 'a file')), 80)}: file name too long"
        raise FacezooError(message, "A file's name has at most 255 bytes.") from problem


@contextmanager
def _plain_warnings() -> Iterator[None]:
    """Print warnings as one line without the place in the code, which tells a user nothing."""
    before, warnings.showwarning = warnings.showwarning, _show_warning
    try:
        yield
    finally:
        warnings.showwarning = before


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    if "PIL" in Path(filename).parts:
        return  # on metadata of an image that it does not name; what becomes of images is told by facezoo
    with suppress(OSError):  # a warning that nobody can read ends nothing
        say(str(message), mark="Warning: ", colour="yellow", err=True)


@click.command(
    cls=Commands,
    params=[
        click.Option(
            ["--version"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_show_version,
            help="Show the version.",
        ),
        _traceback_option(),
    ],
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
def cli() -> None:
    """Margin losses for face recognition: train them, compare them, add your own."""
    click.get_current_context().with_resource(_plain_warnings())


def main(args: Iterable[str] | None = None) -> None:
    """Entry point of the console script."""
    cli.main(args=None if args is None else list(args), prog_name="facezoo")
