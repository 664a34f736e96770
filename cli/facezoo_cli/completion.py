"""`facezoo completion SHELL`: the lines with which a shell completes facezoo's commands, heads and runs."""

from __future__ import annotations

from typing import Final

import click
from click.shell_completion import get_completion_class

from facezoo_cli.output import say

SHELLS: Final = ("bash", "zsh", "fish")
VARIABLE: Final = "_FACEZOO_COMPLETE"
"""Where click looks for what a shell asks."""


@click.command("completion")
@click.argument("shell", type=click.Choice(SHELLS), metavar="SHELL")
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print what makes a shell complete commands, heads, presets and runs.

    SHELL is bash, zsh or fish. Put the line that is meant for yours where it is read at each start:

    \b
    bash, in ~/.bashrc:
      eval "$(facezoo completion bash)"
    zsh, in ~/.zshrc:
      eval "$(facezoo completion zsh)"
    fish, in ~/.config/fish/config.fish:
      facezoo completion fish | source
    """  # noqa: D301 (click reads the backspace: what follows is laid out as it stands)
    kind = get_completion_class(shell)
    assert kind is not None
    say(kind(ctx.find_root().command, {}, "facezoo", VARIABLE).source())
