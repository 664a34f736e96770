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
) -> list[str]:
    """Take back what `state_tensors` gave; parameters are found by their names.

    Returns the names of those that have no state, though this optimiser keeps one: the loss has not used them
    yet. Raises ValueError, saying what is wrong, where the tensors are not the state of this optimiser.
    """
    found = _by_parameter(tensors)
    optimized = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    parameters = {names[parameter]: parameter for parameter in optimized}
    kinds = _kinds(optimizer)
    for name, state in found.items():
        if name not in parameters:
            raise ValueError(f"it has state of {name}, which this run does not optimise")
        _check_state(name, parameters[name], state, kinds)
    for name, state in found.items():
        optimizer.state[parameters[name]].update(_laid_out(state, parameters[name]))
    return [name for name in parameters if kinds and name not in found]


def _laid_out(state: Mapping[str, Tensor], parameter: Tensor) -> dict[str, Tensor]:
    """Laid out like the parameter (channels last), as fused steps assume; AdamW's count of steps as it is."""
    return {
        kind: torch.empty_like(parameter).copy_(value)
        if value.shape == parameter.shape
        else value.to(parameter.device)
        for kind, value in state.items()
    }


def _by_parameter(tensors: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    found: dict[str, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        name, _, kind = key.rpartition("|")
        found.setdefault(name, {})[kind] = value
    return found


def _kinds(optimizer: torch.optim.Optimizer) -> set[str]:
    """What this optimiser remembers of a parameter from its first step on."""
    if isinstance(optimizer, torch.optim.AdamW):
        return {"step", "exp_avg", "exp_avg_sq"}
    return {"momentum_buffer"} if optimizer.defaults["momentum"] else set()


def _check_state(name: str, parameter: Tensor, state: Mapping[str, Tensor], kinds: set[str]) -> None:
    """ValueError where the state of one parameter is not whole, or of another shape."""
    for kind in sorted(kinds ^ state.keys()):
        raise ValueError(f"it has {'no' if kind in kinds else 'an unknown'} {kind} of {name}")
    for kind, value in state.items():
        shape = torch.Size() if kind == "step" else parameter.shape
        if value.shape != shape or not value.is_floating_point():
            found = f"{value.dtype} {list(value.shape)}"
            raise ValueError(f"{kind} of {name} is {found}, and the parameter {list(parameter.shape)}")
