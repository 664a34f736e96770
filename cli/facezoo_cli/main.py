"""The command `facezoo`: its options, and the one place where errors are printed."""

from __future__ import annotations

import os
import warnings
from contextlib import contextmanager, suppress
from errno import ENAMETOOLONG, EPIPE
from typing import TYPE_CHECKING, Any, TextIO

import click

from facezoo._words import cut, first_line, printable, printable_lines
from facezoo.errors import FacezooError
from facezoo.registry.compatibility import canonical
from facezoo.registry.entries import OWN
from facezoo.registry.foreign import IN_ITS_CODE, Contained
from facezoo.registry.loading import owner
from facezoo_cli.commands import KIND, RUNNING, Commands
from facezoo_cli.helping import Context, traceback_option
from facezoo_cli.output import say, survive_any_encoding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


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


class Facezoo(Commands):
    """The command line as a whole: all commands, and the end of every error."""

    context_class = Context

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command: the one place where a `FacezooError` is caught."""
        try:
            with _contained(ctx), _names_of_a_length(), _memory():
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


def _show_version(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        import facezoo

        say(f"facezoo {facezoo.__version__}")
        ctx.exit()


@contextmanager
def _contained(ctx: click.Context) -> Iterator[None]:
    """Turn what another distribution's command raises into an error that names its owner; what facezoo's own
    raises, and the ways in which commands end, stay as they are.
    """
    try:
        yield
    except (click.ClickException, click.exceptions.Exit, click.Abort):
        raise
    except Exception as error:
        entry = ctx.meta.get(RUNNING)
        unread = isinstance(error, OSError) and error.errno == EPIPE
        if unread or entry is None or canonical(entry.dist) == OWN:
            raise
        with Contained(f"{owner(entry, KIND)} fails", IN_ITS_CODE):
            raise


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
def _memory() -> Iterator[None]:
    """Turn torch's error about memory into one of facezoo's: nobody's mistake, and there is a way out."""
    try:
        yield
    except RuntimeError as problem:
        if type(problem).__name__ != "OutOfMemoryError":  # by its name: torch is not imported for it
            raise
        hint = "Take smaller batches (train.batch_size, --batch-size), or another device."
        raise FacezooError(f"the device is out of memory: {first_line(problem)}", hint) from problem


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
    if "PIL" in filename.replace(os.sep, "/").split("/"):
        return  # about metadata of an image that it does not name: facezoo itself tells about images
    with suppress(OSError):  # a warning that nobody can read ends nothing
        say(str(message), mark="Warning: ", colour="yellow", err=True)


@click.command(
    cls=Facezoo,
    params=[
        click.Option(
            ["--version"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_show_version,
            help="Show the version.",
        ),
        traceback_option(),
    ],
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
def cli() -> None:
    """Margin losses for face recognition: train them, compare them, add your own."""
    click.get_current_context().with_resource(_plain_warnings())


def main(args: Iterable[str] | None = None) -> None:
    """Entry point of the console script."""
    cli.main(args=None if args is None else list(args), prog_name="facezoo")
