"""A head with every kind of state that a checkpoint must carry, and a way to go wrong at a chosen step."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from facezoo.registry import API_VERSION, HeadConfig, HeadSpec, LoadedHead
from facezoo.registry.entries import PluginEntry
from facezoo.settings import (
    BackboneSettings,
    DataSettings,
    EvaluateSettings,
    OptimizerSettings,
    RunSettings,
    TrainSettings,
)


class Config(HeadConfig):
    scale: float = 16.0
    margin: float = 0.2
    fails_at: int = -1


class Head(nn.Module):
    """Cosine margin with a learned margin a class, a memory, a running mean and random noise."""

    def __init__(self, config, context):
        super().__init__()
        self.config = config
        self.margins = context.parameter(config.margin, bounds=(0.0, 1.0))
        self.memory = context.memory()
        self.offset = nn.Parameter(torch.zeros(()))
        self.register_buffer("norm", torch.ones(()))

    def before_loss(self, batch, scores):
        self.norm.lerp_(batch.norms.mean(), 0.1)

    def loss(self, batch, scores):
        noise = 0.01 * torch.randn(len(batch.labels), generator=batch.generator)
        nan = float("nan") if batch.step == self.config.fails_at else 0.0
        target = self.config.scale * (scores.target - scores.take(self.margins)) + noise + self.offset
        learned = scores.softmax(target, scale=self.config.scale).mean()
        remembered = 0.1 * batch.against(self.memory).softplus(scale=1.0).mean()
        return {"learned": learned + nan, "remembered": remembered * self.norm.log1p()}

    def after_step(self, batch):
        self.memory.write(batch.labels, batch.unit, batch.step)


SPEC = HeadSpec(
    name="stateful",
    summary="For tests",
    config=Config,
    factory="support.stateful_head:Head",
    api_version=API_VERSION,
)


def run_settings(
    data: Path, /, loaded: LoadedHead | None = None, **changes: dict[str, object]
) -> RunSettings:
    """Settings of a tiny run on `data`: `changes` by section; `loaded` is the stateful head if not given."""
    head = loaded or LoadedHead(PluginEntry("stateful", "facezoo-tests", "1.0", "For tests"), SPEC)
    sections = {
        "data": {"path": str(data), "size": 32},
        "backbone": {"dim": 16},
        "train": {"epochs": 4, "batch_size": 7, "save_every": 2, "device": "cpu"},
        "optimizer": {"lr": 0.1, "weight_decay": 5e-4},
        "evaluate": {"pairs": str(data / "pairs.csv"), "folds": 3},
    }
    for section, values in changes.items():
        if section != "head":
            sections[section] |= values
    return RunSettings(
        head=head,
        head_name=head.spec.name,
        head_config=head.configure(changes.get("head", {})),
        preset=None,
        data=DataSettings(**sections["data"]),
        backbone=BackboneSettings(**sections["backbone"]),
        train=TrainSettings(**sections["train"]),
        optimizer=OptimizerSettings(**sections["optimizer"]),
        evaluate=EvaluateSettings(**sections["evaluate"]),
        origins={},
    )
