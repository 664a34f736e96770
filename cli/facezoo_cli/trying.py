"""Calling what plug-ins offer, as a run would and in miniature: what `facezoo doctor` finds out with."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

import click

from facezoo.errors import FacezooError
from facezoo.registry.entries import (
    BACKBONES,
    BENCHMARKS,
    COMMANDS,
    DATA,
    HEADS,
    HOOKS,
    KINDS,
    MODULES,
    PluginEntry,
)
from facezoo.registry.loading import import_entry
from facezoo_cli.commands import Commands, load_command

if TYPE_CHECKING:
    from torch import nn

    from facezoo.loss import HeadLoss
    from facezoo.registry import LoadedHead

CLASSES: Final = 7
DIM: Final = 8
SIZES: Final = (112, 224)
"""Sides of the images that backbones are commonly for, in pixels, beside that of a run's defaults."""


def try_head(entry: PluginEntry) -> None:
    """Load a head, compute a step with its defaults, build it with every preset; raises what goes wrong."""
    from facezoo.registry.heads import loaded_head

    head = loaded_head(entry)
    with warnings.catch_warnings():  # so small a problem is one that heads may warn about
        warnings.simplefilter("ignore")
        _step(_built(head, None))
        for preset in head.spec.presets:
            try:
                _built(head, preset)
            except FacezooError as error:
                message = f"its preset {preset!r} is not valid: {error.message}"
                raise FacezooError(message) from error


def _built(head: LoadedHead, preset: str | None) -> HeadLoss:
    from facezoo.engine import HeadContext
    from facezoo.loss import build_loss

    context = HeadContext(CLASSES, DIM, steps_per_epoch=10, total_steps=100)
    return build_loss(head, head.configure({}, preset), context)


def _step(loss: HeadLoss) -> None:
    """Everything that a run calls: a training step, what the head says of itself, its state."""
    import torch

    generator = torch.Generator().manual_seed(0)
    embeddings = torch.randn(6, DIM, generator=generator, requires_grad=True)
    loss(embeddings, torch.arange(6) % CLASSES).backward()
    loss.after_step()
    loss.report(torch.full((CLASSES,), 3))
    loss.eval()
    _ = loss.threshold
    loss.state_dict()


def try_backbone(entry: PluginEntry) -> str:
    """Build a backbone and embed two grey images; raises what goes wrong.

    Tried are the size and the dimensions of a run's defaults, then other sizes: returns which, where it was
    another, or what the factory says where it refuses them all.
    """
    from facezoo.backbones import load_backbone
    from facezoo.settings.sections import BackboneSettings, DataSettings

    loaded, refusal = load_backbone(entry.qualified), ""
    dim, usual = BackboneSettings().dim, DataSettings.model_fields["size"].default
    for size in (usual, *SIZES):
        try:
            network = loaded.build(dim, size)
        except FacezooError as error:
            if error.__cause__ is not None:  # its factory fails, which is no refusal
                raise
            refusal = error.message
        else:
            _embed(network, dim, size)
            return "" if size == usual else f"tried with {size} x {size} pixels; for {usual}: {refusal}"
    return f"not tried: {refusal}"


def _embed(network: nn.Module, dim: int, size: int) -> None:
    import torch

    from facezoo.backbones import embeddings_of

    with torch.inference_mode():
        embeddings = embeddings_of(network.eval(), torch.zeros(2, 3, size, size))
    if embeddings.shape[1] != dim:
        message = f"gives {embeddings.shape[1]} dimensions where {dim} were asked for"
        raise ValueError(message)


def try_source(entry: PluginEntry) -> str:
    """Import a source's record; returns what it gives."""
    from facezoo.registry.sources import SOURCES

    return SOURCES.load(entry).summary


def try_observer(entry: PluginEntry) -> None:
    """Import an observer and register it for the events of a run; raises what goes wrong."""
    from facezoo.hooks import Observers

    observers = Observers(warn=False)
    observers.add(entry, import_entry(entry, "observer"))
    if observers.muted:
        raise FacezooError(observers.muted[0]["error"].removeprefix("FacezooError: "))


def try_command(entry: PluginEntry) -> None:
    """Import a command and make its help; raises what goes wrong."""
    ctx = click.Context(Commands("facezoo"), info_name="facezoo")
    parent, dot, name = entry.name.rpartition(".")
    command = load_command(ctx, entry.qualified)
    command.get_help(click.Context(command, info_name=name, parent=ctx))
    group: click.Command | None = ctx.command
    for part in parent.split(".") if dot else ():
        group = group.get_command(ctx, part) if isinstance(group, click.Group) else None
    if not isinstance(group, click.Group):
        raise FacezooError(f"stands below {parent}, which is a command without others below it")


def try_benchmark(entry: PluginEntry) -> str:
    """Import a benchmark's record; returns what it measures."""
    from facezoo.benchmarks.opening import RECORDS

    return RECORDS.load(entry).summary


def try_module(entry: PluginEntry) -> None:
    """Import a module that stands behind a name of facezoo's."""
    import_entry(entry, KINDS[MODULES])


TRIALS: Final[Mapping[str, Callable[[PluginEntry], str | None]]] = {
    HEADS: try_head,
    BACKBONES: try_backbone,
    COMMANDS: try_command,
    HOOKS: try_observer,
    DATA: try_source,
    BENCHMARKS: try_benchmark,
    MODULES: try_module,
}
"""How an entry of each group is tried."""
