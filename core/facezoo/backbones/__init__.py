"""Backbones: networks from an image to an embedding, found through the entry-point group `facezoo.backbones`.

An entry point names a factory `(dim: int, size: int) -> nn.Module`, where `dim` is the embedding size and
`size` the side of the square input in pixels. The module takes float32 [B, 3, size, size] in [-1, 1] and
gives raw (not normalised) embeddings, float32 [B, dim]. A factory raises FacezooError for a `dim` or `size`
that it cannot serve.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from weakref import WeakKeyDictionary

from torch import Tensor, nn

from facezoo.errors import FacezooError
from facezoo.registry.entries import PluginEntry
from facezoo.registry.foreign import IN_ITS_CODE, Contained
from facezoo.registry.loading import broken, contained, load_plugin, owner

GROUP: Final = "facezoo.backbones"
_OWNERS: Final = WeakKeyDictionary[nn.Module, str]()
"""Whose the networks are that were built here, for the message where one fails."""


@dataclass(frozen=True)
class LoadedBackbone:
    """A backbone whose factory was imported: `entry` says which distribution offers it, in which version."""

    entry: PluginEntry
    factory: Callable[[int, int], object]

    def build(self, dim: int, size: int) -> nn.Module:
        """A network, its weights drawn from torch's global generator; FacezooError where its factory fails,
        refuses `dim` or `size`, or makes something else.
        """
        with contained(self.entry, "backbone", f"fails for dim={dim}, size={size}"):
            module = self.factory(dim, size)
        if not isinstance(module, nn.Module):
            raise broken(self.entry, "backbone", f"gave a {type(module).__name__}, not a torch.nn.Module")
        _OWNERS[module] = owner(self.entry, "backbone")
        return module


def load_backbone(name: str) -> LoadedBackbone:
    """The installed backbone called `name` (or `dist:name`); imports its factory.

    Raises FacezooError where no backbone, or more than one, has that name, and where it cannot be imported.
    """
    entry, factory = load_plugin(GROUP, "backbone", name)
    if not callable(factory):
        raise broken(entry, "backbone", f"is a {type(factory).__name__}, not a factory (dim, size)")
    return LoadedBackbone(entry, factory)


def build_backbone(name: str, dim: int, size: int) -> nn.Module:
    """`load_backbone(name).build(dim, size)`; raises FacezooError where either does."""
    return load_backbone(name).build(dim, size)


def embeddings_of(backbone: nn.Module, images: Tensor) -> Tensor:
    """`backbone(images)`: embeddings [B, dim] of images float32 [B, 3, size, size].

    Raises FacezooError where the network fails or returns something else. Of a network that was built here
    the message names the distribution.
    """
    whose = _OWNERS.get(backbone, "the backbone")
    with Contained(f"{whose} fails on images {list(images.shape)}", IN_ITS_CODE):
        found = backbone(images)
    if isinstance(found, Tensor) and found.ndim == 2 and len(found) == len(images):
        return found
    shape = f"a tensor {list(found.shape)}" if isinstance(found, Tensor) else f"a {type(found).__name__}"
    message = f"{whose} returned {shape} for images {list(images.shape)}"
    raise FacezooError(message, "It must return embeddings [B, dim].")
