"""Weight decay by what it does to values: without gradients a step shrinks what decays and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from facezoo.backbones import build_backbone
from facezoo.engine import HeadContext
from facezoo.loss import HeadLoss
from facezoo.settings import OptimizerSettings
from facezoo.training.optimizer import make_optimizer
from support.stateful_head import Config, Head

LR, DECAY = 0.5, 0.1
STATEFUL_DECAYS = {"prototypes.weight"}  # not the margins, one per class, nor the offset


def with_decay(module: nn.Module) -> Iterator[tuple[str, Tensor, bool]]:
    """Every parameter of a backbone and whether it decays: weights of convolutions and products alone."""
    for prefix, part in module.named_modules():
        for name, parameter in part.named_parameters(recurse=False):
            yield f"{prefix}.{name}", parameter, isinstance(part, nn.Conv2d | nn.Linear) and name == "weight"


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
@pytest.mark.parametrize("name", ["small", "mobilefacenet"])
def test_a_step_without_gradients_shrinks_weights_and_nothing_else(optimizer: str, name: str):
    backbone = build_backbone(name, 8, 32)
    context = HeadContext(classes=5, dim=8, seed=0, steps_per_epoch=2, total_steps=4)
    loss = HeadLoss(Head(Config(), context), context)
    of_head = [(name, part, name in STATEFUL_DECAYS) for name, part in loss.named_parameters()]
    parts = [*with_decay(backbone), *of_head]
    with torch.no_grad():
        for _, parameter, _ in parts:  # many begin at zero, where decay would not show
            parameter.add_(1.5)
            parameter.grad = torch.zeros_like(parameter)
    before = [parameter.detach().clone() for _, parameter, _ in parts]
    make_optimizer(OptimizerSettings(name=optimizer, lr=LR, weight_decay=DECAY), backbone, loss).step()
    assert {decays for _, _, decays in parts} == {True, False}
    for (name, parameter, decays), value in zip(parts, before, strict=True):
        expected = value * (1 - LR * DECAY) if decays else value
        torch.testing.assert_close(parameter.detach(), expected, rtol=1e-6, atol=0, msg=name)
