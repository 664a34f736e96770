"""What shells complete behind options: heads, presets, runs."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from facezoo.errors import FacezooError
from facezoo.registry.entries import BENCHMARKS, DATA, HEADS, QUALIFIED_ONLY, installed_plugins

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


class Installed(click.types.StringParamType):
    """A name in one group of what is installed."""

    def __init__(self, group: str) -> None:
        self.group = group

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The names that begin so."""
        return _items(_names(self.group), incomplete)


class Head(click.types.StringParamType):
    """A head's name, with `@PRESET` behind it where `presets`; names with commas between where `several`."""

    def __init__(self, *, presets: bool = False, several: bool = False) -> None:
        self.presets = presets
        self.several = several

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The installed heads whose names begin so, or behind `@` the head's presets."""
        before, comma, last = incomplete.rpartition(",") if self.several else ("", "", incomplete)
        head, at, _ = last.partition("@")
        names = [f"{head}@{preset}" for preset in _presets(head)] if at and self.presets else _names(HEADS)
        return _items(names, last, f"{before}{comma}")


class Preset(click.types.StringParamType):
    """A preset of the head that was named before it."""

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The presets of that head; none where no head was named."""
        named = ctx.params.get("head") or ctx.params.get("heads") or ()
        heads = [named] if isinstance(named, str) else named
        return _items([preset for head in heads for preset in _presets(head.partition("@")[0])], incomplete)


class Source(Installed):
    """A set of images: a folder, or a data source's name with what stands behind its colon."""

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The installed data sources, and folders as the shell does."""
        from click.shell_completion import CompletionItem

        return [*super().shell_complete(ctx, param, incomplete), CompletionItem(incomplete, type="dir")]


class Model(click.Path):
    """A run directory, a checkpoint, or imported weights."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Run directories here, and below `runs` or where one is typed; any path as the shell does."""
        folders = {Path(), Path("runs"), Path(f"{incomplete}*").parent}
        runs = {str(path.parent) for folder in folders for path in folder.glob("*/resolved.toml")}
        return [*_items(sorted(runs), incomplete), *super().shell_complete(ctx, param, incomplete)]


HEAD: Final = Head()
PRESET: Final = Preset()
SOURCE: Final = Source(DATA)
BENCHMARK: Final = Installed(BENCHMARKS)
MODEL: Final = Model()


def _items(names: Iterable[str], incomplete: str, before: str = "") -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    return [CompletionItem(before + name) for name in dict.fromkeys(names) if name.startswith(incomplete)]


def _names(group: str) -> list[str]:
    installed = installed_plugins(group)
    names = [entry.name for entry in installed if entry.status == "ok"]
    return names + [entry.qualified for entry in installed if entry.status in QUALIFIED_ONLY]


def _presets(head: str) -> list[str]:
    from facezoo.registry import load_head

    try:
        return sorted(load_head(head).spec.presets)
    except FacezooError:  # a line that is being typed has no place for messages
        return []
