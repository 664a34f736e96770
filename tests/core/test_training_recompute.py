"""Gradient checkpointing changes memory, and not one bit of what is computed."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from facezoo import FacezooError
from facezoo.training import Trainer
from facezoo.training.recompute import recompute_blocks
from facezoo.training.state import collect
from support.faces import identity_folder
from support.stateful_head import run_settings


@pytest.mark.parametrize("backbone", ["small", "mobilefacenet", "iresnet18"])
def test_a_run_gives_the_same_bits(tmp_path: Path, backbone: str):
    data = identity_folder(tmp_path / "faces")
    ends = []
    for recompute in (False, True):
        settings = run_settings(
            data, backbone={"name": backbone}, train={"recompute": recompute, "epochs": 1}
        )
        trainer = Trainer(settings, tmp_path)
        trainer.fit(until=2)
        ends.append(collect(trainer.parts))
    for part, tensors in ends[0].items():
        assert tensors.keys() == ends[1][part].keys()
        assert [name for name in tensors if not torch.equal(tensors[name], ends[1][part][name])] == []


def kept(network: nn.Module, images: torch.Tensor) -> int:
    """Numbers that autograd holds on to between forward and backward."""
    held: dict[int, int] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        held[tensor.data_ptr()] = tensor.numel()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        network(images)
    return sum(held.values())


def test_less_is_kept():
    from facezoo.backbones import build_backbone

    network, images = build_backbone("small", 16, 32), torch.rand(4, 3, 32, 32)
    before = kept(network, images)
    recompute_blocks(network, "small")
    assert kept(network, images) < before / 2


def test_a_backbone_without_blocks_is_refused():
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten())
    with pytest.raises(FacezooError, match="backbone 'flat' has no list of blocks"):
        recompute_blocks(network, "flat")
