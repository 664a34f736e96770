"""A run's settings: sections, where their values come from, and how they are written down. Free of torch.

The names below arrive on first use, so that `facezoo.settings.explain` can be had without all of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from facezoo._lazy import lazy_names

if TYPE_CHECKING:
    from facezoo.settings.run import RunSettings, resolve
    from facezoo.settings.sections import (
        BackboneSettings,
        DataSettings,
        EvaluateSettings,
        OptimizerSettings,
        Section,
        TrainSettings,
    )
    from facezoo.settings.toml import to_toml

__all__ = [
    "BackboneSettings",
    "DataSettings",
    "EvaluateSettings",
    "OptimizerSettings",
    "RunSettings",
    "Section",
    "TrainSettings",
    "resolve",
    "to_toml",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "BackboneSettings": "facezoo.settings.sections",
        "DataSettings": "facezoo.settings.sections",
        "EvaluateSettings": "facezoo.settings.sections",
        "OptimizerSettings": "facezoo.settings.sections",
        "RunSettings": "facezoo.settings.run",
        "Section": "facezoo.settings.sections",
        "TrainSettings": "facezoo.settings.sections",
        "resolve": "facezoo.settings.run",
        "to_toml": "facezoo.settings.toml",
    },
)
