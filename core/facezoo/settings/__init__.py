"""A run's settings: sections, where their values come from, and how they are written down. Free of torch."""

from __future__ import annotations

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
