"""How long commands end, above all when told to: Ctrl-C, SIGTERM, SIGHUP, a reader that went away."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import click

from facezoo_cli.output import say


@contextmanager
def interruptible(words: Callable[[], str]) -> Iterator[None]:
    """End as the shell expects (130, 143, 129, 141) where the block is interrupted, and say `words` then."""
    from facezoo.training.interrupt import Interrupted, signals_raise

    try:
        with signals_raise():
            yield
    except KeyboardInterrupt as stop:
        code = stop.exit_code if isinstance(stop, Interrupted) else 130
        with suppress(OSError):  # the terminal may be what went away
            say(f"\n{words()}", err=True)
        click.get_current_context().exit(code)
    finally:
        let_go()


def let_go() -> None:
    """Drop what is still to be printed where it cannot be printed: Python would make exit code 120 of it."""
    for stream in filter(None, (sys.stdout, sys.stderr)):
        try:
            stream.flush()
        except (OSError, ValueError):
            with suppress(OSError, ValueError):  # a stream without a file
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, stream.fileno())
                os.close(nowhere)
