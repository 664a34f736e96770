"""Commands as installed distributions offer them: found by their metadata, imported when they run.

An entry point of the group `facezoo.commands` names a `click.Command`; the entry `a.b` is `facezoo a b`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import click

from facezoo._words import cut, did_you_mean
from facezoo.errors import FacezooError
from facezoo.registry.compatibility import canonical
from facezoo.registry.entries import COMMANDS, OWN, QUALIFIED_ONLY, PluginEntry, installed_plugins
from facezoo.registry.loading import broken, load_plugin
from facezoo_cli.helping import dress
from facezoo_cli.lines import LINES, described

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

KIND: Final = "command"
OWN_ORDER: Final = list(LINES[COMMANDS])
RUNNING: Final = "facezoo.running"
"""Where a context's `meta` keeps the entry of the command that runs."""


@dataclass(frozen=True)
class Listed:
    """One command of a group, as it is listed."""

    name: str
    """What is typed: `dist:name` where two distributions offer the name."""
    entry: PluginEntry
    """What is offered under the name; where there is nothing, one of those below it."""

    @property
    def place(self) -> int:
        """Where it stands: facezoo's own in the order of their table, then all others."""
        own = canonical(self.entry.dist) == OWN and self.entry.name in OWN_ORDER
        return OWN_ORDER.index(self.entry.name) if own else len(OWN_ORDER)


class Commands(click.Group):
    """The commands whose entry points' names begin with `prefix`, such as `data.`.

    `base` is the group that the prefix itself names, if it names one: its own commands come first.
    """

    prefix = ""
    base: click.Group | None = None

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all that can be called, in the order of `--help`."""
        names = [] if self.base is None else self.base.list_commands(ctx)
        return list(dict.fromkeys([*names, *(one.name for one in listed(self.prefix))]))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command; `FacezooError` where it is installed and cannot be used."""
        if self.base is not None and (command := self.base.get_command(ctx, cmd_name)):
            return command
        dist, colon, name = cmd_name.rpartition(":")
        if "." in name and not colon:
            return None
        full = f"{dist}{colon}{self.prefix}{name}"
        installed = installed_plugins(COMMANDS)
        below = any(entry.name.startswith(f"{full}.") for entry in installed)
        if not any(entry.answers_to(full) for entry in installed):
            return joined(click.Group(name), full) if below else None
        command = load_command(ctx, full)
        plain = type(command) is click.Group  # else it may have ways of its own to list what it holds
        return joined(command, full) if isinstance(command, click.Group) and (plain or below) else command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; an unknown one is answered with the nearest."""
        try:
            found = self.get_command(ctx, args[0])
        except FacezooError:
            if not ctx.resilient_parsing:  # a shell that completes a line has no place for messages
                raise
            found = click.Command(args[0])
        if found is None and not args[0].startswith("-") and not ctx.resilient_parsing:
            message = f"no such command {args[0]!r}{did_you_mean(args[0], self.list_commands(ctx))}"
            hint = f"`{ctx.command_path} --help` lists those that are installed; "
            raise FacezooError(message, f"{hint}`pip install facezoo-all` brings all of facezoo's own.")
        return args[0] if found else None, found, args[1:]

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """What may be typed next; a command that is not chosen is not imported."""
        from click.shell_completion import CompletionItem

        names = [name for name in self.list_commands(ctx) if name.startswith(incomplete)]
        return [*map(CompletionItem, names), *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands without importing them."""
        commands = listed(self.prefix)
        own = [(one.name, one.entry.summary) for one in commands if one.place < len(OWN_ORDER)]
        if self.base is not None:
            own += [(name, _short(self.base, ctx, name)) for name in self.base.list_commands(ctx)]
        others = list(_by_distribution(one for one in commands if one.place == len(OWN_ORDER)))
        for title, rows in (("Commands", own), ("Commands of other distributions", others)):
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)
        if not (own or others):
            formatter.write_paragraph()
            formatter.write_text("None is installed: each comes with a distribution that offers it.")
        _write_unusable(self.prefix, formatter)


def listed(prefix: str = "") -> list[Listed]:
    """The commands below `prefix` that can be called; imports none of them."""
    entries = [entry for entry in described(COMMANDS) if entry.name.startswith(prefix)]
    direct = {entry.name for entry in entries if "." not in entry.name.removeprefix(prefix)}
    found: dict[str, Listed] = {}
    for entry in entries:
        first, _, below = entry.name.removeprefix(prefix).partition(".")
        if not below and entry.status in QUALIFIED_ONLY:
            first = f"{entry.dist}:{first}"
        elif entry.status != "ok" or (below and prefix + first in direct):
            continue
        found.setdefault(first, Listed(first, entry))
    return sorted(found.values(), key=lambda one: one.place)


def load_command(ctx: click.Context, name: str) -> click.Command:
    """The command that `name` (`name` or `dist:name`) means; `ctx` remembers whose it is."""
    entry, command = load_plugin(COMMANDS, KIND, name)
    if not isinstance(command, click.Command):
        raise broken(entry, KIND, f"names a {type(command).__name__} ({entry.value}), not a click.Command")
    dress(command)
    ctx.meta[RUNNING] = entry
    return command


def joined(group: click.Group, full: str) -> Commands:
    """The group with what distributions offer below its name."""
    made = Commands(
        group.name,
        params=group.params,
        callback=group.callback,
        help=group.help or f"Commands that distributions offer below {group.name}.",
        invoke_without_command=group.invoke_without_command,
        chain=group.chain,
        context_settings=group.context_settings,
    )
    dress(made)
    made.prefix, made.base = f"{full.rpartition(':')[2]}.", group
    return made


def _by_distribution(commands: Iterable[Listed]) -> Iterator[tuple[str, str]]:
    """A line per distribution: a Summary speaks of all that it offers."""
    names: dict[str, list[str]] = {}
    lines: dict[str, str] = {}
    for one in commands:
        names.setdefault(one.entry.dist, []).append(one.name)
        lines[one.entry.dist] = cut(one.entry.summary, 200) or f"Of {one.entry.dist} {one.entry.version}."
    return ((", ".join(names[dist]), lines[dist]) for dist in names)


def _short(group: click.Group, ctx: click.Context, name: str) -> str:
    command = group.get_command(ctx, name)
    return command.get_short_help_str(200) if command is not None else ""


def _write_unusable(prefix: str, formatter: click.HelpFormatter) -> None:
    trouble = [
        f"{entry.qualified} ({entry.status})"
        for entry in installed_plugins(COMMANDS)
        if entry.name.startswith(prefix) and entry.status in ("broken", "incompatible")
    ]
    if trouble:
        formatter.write_paragraph()
        formatter.write_text(f"Installed, but of no use: {', '.join(trouble)}. See `facezoo doctor`.")
