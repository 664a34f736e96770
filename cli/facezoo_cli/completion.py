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
@click.argument("shell", type=click.Choice(SHELLS), metavar="|".join(SHELLS))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print what makes a shell complete commands, heads, presets and runs.

    For bash, put this line into ~/.bashrc: eval "$(facezoo completion bash)". For zsh, the same with zsh into
    ~/.zshrc. For fish: facezoo completion fish > ~/.config/fish/completions/facezoo.fish.
    """
    kind = get_completion_class(shell)
    assert kind is not None
    say(kind(ctx.find_root().command, {}, "facezoo", VARIABLE).source())
