"""The optimiser: its groups of parameters, and its state as tensors with names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from facezoo.loss import HeadLoss
from facezoo.settings import OptimizerSettings


def backbone_groups(backbone: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Two groups of the backbone's parameters: weights decay; norms, biases and PReLU slopes do not."""
    learned = [parameter for parameter in backbone.parameters() if parameter.requires_grad]
    return [
        {"params": [parameter for parameter in learned if parameter.ndim > 1], "weight_decay": weight_decay},
        {"params": [parameter for parameter in learned if parameter.ndim <= 1], "weight_decay": 0.0},
    ]


def make_optimizer(settings: OptimizerSettings, backbone: nn.Module, loss: HeadLoss) -> torch.optim.Optimizer:
    """SGD or AdamW over the backbone's groups and the loss's own; each group keeps its full rate."""
    groups = backbone_groups(backbone, settings.weight_decay)
    groups += loss.param_groups(settings.lr, settings.weight_decay)
    fused = next(backbone.parameters()).device.type in {"cpu", "cuda"}
    groups = [group for group in groups if group["params"]]
    optimizer: torch.optim.Optimizer
    if settings.name == "adamw":
        betas = (settings.beta1, settings.beta2)
        optimizer = torch.optim.AdamW(groups, settings.lr, betas, fused=fused)
    else:
        optimizer = torch.optim.SGD(groups, settings.lr, settings.momentum, fused=fused)
    for group in optimizer.param_groups:
        group["full_lr"] = group["lr"]
    return optimizer


def set_rate(optimizer: torch.optim.Optimizer, factor: float) -> None:
    """Set every group's learning rate to `factor` times its full one."""
    for group in optimizer.param_groups:
        group["lr"] = group["full_lr"] * factor


def clip_gradients(optimizer: torch.optim.Optimizer, longest: float) -> float:
    """Shorten the gradient of all parameters together to the norm `longest`; returns the norm it had."""
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    return float(nn.utils.clip_grad_norm_(parameters, longest))


def state_tensors(optimizer: torch.optim.Optimizer, names: Mapping[Tensor, str]) -> dict[str, Tensor]:
    """The optimiser's tensors as `parameter|kind`, for example `backbone.fc.weight|momentum_buffer`."""
    return {
        f"{names[parameter]}|{kind}": value
        for parameter, state in optimizer.state.items()
        for kind, value in state.items()
        if value is not None
    }


def load_state_tensors(
    optimizer: torch.optim.Optimizer, names: Mapping[Tensor, str], tensors: Mapping[str, Tensor]
) -> None:
    """Take back what `state_tensors` gave; parameters are found by their names."""
    parameters = {name: parameter for parameter, name in names.items()}
    for key, value in tensors.items():
        name, _, kind = key.rpartition("|")
        parameter = parameters[name]
        if value.shape == parameter.shape:
            # laid out like the parameter (channels last), as fused steps assume
            optimizer.state[parameter][kind] = torch.empty_like(parameter).copy_(value)
        else:  # AdamW's count of steps
            optimizer.state[parameter][kind] = value.to(parameter.device)
