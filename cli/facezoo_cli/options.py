"""Options that commands have in common."""

from __future__ import annotations

import click


def _remember(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        ctx.meta["traceback"] = True  # the mapping is shared between a command and its group


def admit_traceback(command: click.Command) -> None:
    """Let `--traceback` stand behind a command, and behind each that it holds."""
    if not any(parameter.name == "traceback" for parameter in command.params):
        command.params.append(traceback_option())
    for inner in command.commands.values() if isinstance(command, click.Group) else []:
        admit_traceback(inner)


def traceback_option() -> click.Option:
    """`--traceback`, which is remembered for the end of the command."""
    return click.Option(
        ["--traceback"],
        is_flag=True,
        expose_value=False,
        callback=_remember,
        help="Show where an error arose.",
    )
