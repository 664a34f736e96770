"""Backbones: what goes in, what comes out, whose weights would load, and how they are found."""

from __future__ import annotations

import re
from importlib.metadata import EntryPoint

import pytest
import torch
from torch import nn

from facezoo import FacezooError
from facezoo.backbones import build_backbone
from facezoo.registry import entries, loading
from facezoo.registry.entries import PluginEntry
from support.insightface import DEPTHS, iresnet_layout, mobilefacenet_layout

SIZES = [("small", 32), ("small", 64), ("small", 112), ("iresnet18", 48), ("mobilefacenet", 48)]


@pytest.mark.parametrize(("name", "size"), SIZES)
def test_images_become_embeddings(name: str, size: int):
    torch.manual_seed(0)
    backbone = build_backbone(name, 24, size)
    images = torch.rand(6, 3, size, size) * 2 - 1
    with torch.autocast("cpu", torch.bfloat16):
        embeddings = backbone(images.contiguous(memory_format=torch.channels_last))
    assert embeddings.shape == (6, 24)
    assert embeddings.dtype == torch.float32
    # batch normalisation without a weight: each component has variance 1, so norms sit near sqrt(dim)
    assert float(embeddings.detach().norm(dim=1).mean()) == pytest.approx(24**0.5, rel=0.15)
    embeddings.square().sum().backward()
    learned = [parameter for parameter in backbone.parameters() if parameter.requires_grad]
    assert all(parameter.grad is not None for parameter in learned)
    fixed = [each for each, parameter in backbone.named_parameters() if not parameter.requires_grad]
    assert fixed == ([] if name in {"small", "mobilefacenet"} else ["features.weight"])


def test_the_seed_makes_the_weights():
    def weights(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        return torch.cat([parameter.flatten() for parameter in build_backbone("small", 16, 32).parameters()])

    assert torch.equal(weights(1), weights(1))
    assert not torch.equal(weights(1), weights(2))


def test_the_small_one_is_small():
    count = sum(parameter.numel() for parameter in build_backbone("small", 128, 64).parameters())
    assert 0.8e6 < count < 1.6e6


@pytest.mark.parametrize("name", [*DEPTHS, "mobilefacenet"])
def test_insightfaces_names_and_shapes(name: str):
    with torch.device("meta"):
        state = build_backbone(name, 512, 112).state_dict()
    layout = mobilefacenet_layout() if name == "mobilefacenet" else iresnet_layout(DEPTHS[name])
    assert {name: tuple(tensor.shape) for name, tensor in state.items()} == layout


@pytest.mark.parametrize(
    ("name", "published"),
    [
        ("iresnet18", 24_025_600),
        ("iresnet34", 34_139_328),
        ("iresnet50", 43_590_848),
        ("iresnet100", 65_156_160),
        ("mobilefacenet", 2_059_520),
    ],
)
def test_parameters_are_as_many_as_published(name: str, published: int):
    with torch.device("meta"):
        backbone = build_backbone(name, 512, 112)
    assert sum(parameter.numel() for parameter in backbone.parameters()) == published


@pytest.mark.parametrize("name", ["iresnet34", "iresnet50", "iresnet100"])
def test_the_deep_ones_compute_before_they_are_trained(name: str):
    backbone = build_backbone(name, 8, 16).eval()
    with torch.inference_mode():
        embeddings = backbone(torch.rand(2, 3, 16, 16))
    assert embeddings.shape == (2, 8)
    assert torch.isfinite(embeddings).all()
    assert not torch.equal(embeddings[0], embeddings[1])


def test_a_mobilefacenet_bottleneck_adds_its_shortcut_only_at_stride_1():
    from facezoo.backbones.mobilefacenet import Bottleneck

    maps = torch.randn(2, 8, 6, 6)
    for stride in (1, 2):
        block = Bottleneck(8, 8, 16, stride).eval()
        expand, depthwise, project = block.layers
        inner = project(depthwise(expand(maps)))
        assert depthwise.layers[0].groups == 16
        torch.testing.assert_close(block(maps), inner + maps if stride == 1 else inner)


def test_an_iresnet_block_is_what_insightface_computes():
    from facezoo.backbones.iresnet import IBasicBlock

    torch.manual_seed(0)
    block = IBasicBlock(4, 8, 2).eval()
    for module in block.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean)
            nn.init.uniform_(module.running_var, 0.5, 2)
            nn.init.normal_(module.weight)
            nn.init.normal_(module.bias)
    maps = torch.randn(2, 4, 8, 8)
    f = nn.functional

    def norm(x: torch.Tensor, layer: nn.BatchNorm2d) -> torch.Tensor:
        return f.batch_norm(x, layer.running_mean, layer.running_var, layer.weight, layer.bias, eps=1e-5)

    inner = f.conv2d(norm(maps, block.bn1), block.conv1.weight, padding=1)
    inner = f.prelu(norm(inner, block.bn2), block.prelu.weight)
    inner = norm(f.conv2d(inner, block.conv2.weight, stride=2, padding=1), block.bn3)
    shortcut = norm(f.conv2d(maps, block.downsample[0].weight, stride=2), block.downsample[1])
    torch.testing.assert_close(block(maps), inner + shortcut)


@pytest.mark.parametrize(("name", "size"), [("small", 40), ("iresnet18", 100), ("mobilefacenet", 70)])
def test_a_size_that_does_not_fit_is_an_error(name: str, size: int):
    with pytest.raises(FacezooError, match=rf"data\.size: {size}") as error:
        build_backbone(name, 16, size)
    assert re.search(r"Try (32|48|64|96)", error.value.hint)


def test_an_unknown_name_gets_a_suggestion():
    with pytest.raises(FacezooError, match="unknown backbone 'iresnet81'; did you mean 'iresnet"):
        build_backbone("iresnet81", 16, 32)


def _refuses(dim: int, size: int) -> nn.Module:
    raise ValueError("no such size")


@pytest.mark.parametrize(
    ("factory", "message"),
    [
        ("no_such_attribute", "cannot be imported"),
        ("_refuses", "fails for dim=16, size=32: ValueError: no such size"),
        ("_not_a_module", "gave a dict, not a torch.nn.Module"),
        ("_not_callable", "is a int, not a factory"),
    ],
)
def test_a_broken_backbone_is_one_clear_error(monkeypatch: pytest.MonkeyPatch, factory: str, message: str):
    import sys

    sys.modules["backbones_for_a_test"] = sys.modules[__name__]
    entry = PluginEntry("mine", "facezoo-mine", "1.0", "", value=f"backbones_for_a_test:{factory}")
    monkeypatch.setattr(loading, "installed_plugins", lambda group: [entry])
    with pytest.raises(FacezooError, match=re.escape(message)) as error:
        build_backbone("mine", 16, 32)
    assert "facezoo-mine" in str(error.value)
    del sys.modules["backbones_for_a_test"]


def _not_a_module(dim: int, size: int) -> dict[str, int]:
    return {"dim": dim, "size": size}


_not_callable = 7


def test_they_come_from_facezoo_itself():
    found = {(entry.name, entry.dist) for entry in entries.installed_plugins("facezoo.backbones")}
    assert {(name, "facezoo") for name in ("small", *DEPTHS, "mobilefacenet")} <= found
    assert isinstance(EntryPoint("x", "facezoo.backbones.small:small", "y").load()(8, 32), nn.Module)
