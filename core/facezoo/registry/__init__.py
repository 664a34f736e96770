"""What installed distributions offer: heads, backbones, commands, sources of images, benchmarks, observers.

Listing reads metadata only. Loading imports the plug-in's record, which holds no torch; making a head imports
its class. Everything that can be wrong with a plug-in ends in one `FacezooError` that names its distribution.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from facezoo._lazy import lazy_names
from facezoo.registry.entries import HeadEntry, PluginEntry, installed_heads, installed_plugins
from facezoo.registry.loading import load_plugin
from facezoo.registry.spec import API_VERSION, HeadSpec

if TYPE_CHECKING:
    from facezoo.registry.config import HeadConfig, MarginGradient, PastPi, StepsOrFraction
    from facezoo.registry.heads import LoadedHead, load_head

__all__ = [
    "API_VERSION",
    "HeadConfig",
    "HeadEntry",
    "HeadSpec",
    "LoadedHead",
    "MarginGradient",
    "PastPi",
    "PluginEntry",
    "StepsOrFraction",
    "installed_heads",
    "installed_plugins",
    "load_head",
    "load_plugin",
]

# pydantic comes with the first of these: listing heads does without it
__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "HeadConfig": "facezoo.registry.config",
        "LoadedHead": "facezoo.registry.heads",
        "MarginGradient": "facezoo.registry.config",
        "PastPi": "facezoo.registry.config",
        "StepsOrFraction": "facezoo.registry.config",
        "load_head": "facezoo.registry.heads",
    },
)
