"""Backbones: networks from an image to an embedding, found through the entry-point group `facezoo.backbones`.

An entry point names a factory `(dim: int, size: int) -> nn.Module`, where `dim` is the embedding size and
`size` the side of the square input in pixels. The module takes float32 [B, 3, size, size] in [-1, 1] and
gives raw (not normalised) embeddings, float32 [B, dim]. A factory raises FacezooError for a `dim` or `size`
that it cannot serve.
"""

from __future__ import annotations

from typing import Final

from torch import nn

from facezoo.errors import FacezooError
from facezoo.registry.loading import broken, load_plugin

GROUP: Final = "facezoo.backbones"


def build_backbone(name: str, dim: int, size: int) -> nn.Module:
    """The installed backbone called `name` (or `dist:name`), its weights drawn from torch's global generator.

    Raises FacezooError where no backbone, or more than one, has that name, where it cannot be imported, and
    where it refuses `dim` or `size`.
    """
    entry, factory = load_plugin(GROUP, "backbone", name)
    if not callable(factory):
        raise broken(entry, "backbone", f"is a {type(factory).__name__}, not a factory (dim, size)")
    try:
        module = factory(dim, size)
    except FacezooError:
        raise
    except Exception as problem:
        raise broken(entry, "backbone", f"fails for dim={dim}, size={size}: {problem}") from problem
    if not isinstance(module, nn.Module):
        raise broken(entry, "backbone", f"gave a {type(module).__name__}, not a torch.nn.Module")
    return module
