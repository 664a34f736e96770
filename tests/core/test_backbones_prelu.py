"""PReLU's fast backward pass beside torch's own.

| what | tolerance |
|---|---|
| value, gradient of the maps where the slope is below 1/2 | equal |
| gradient of the slope | 1e-5 float32, 2e-2 bfloat16, of the largest: sums in another order |
"""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from facezoo.backbones import build_backbone
from facezoo.backbones.prelu import PReLU

TOLERANCES = {torch.float32: 1e-5, torch.bfloat16: 2e-2}


def both(maps: Tensor, autocast: bool = False) -> list[tuple[Tensor, Tensor, Tensor]]:
    """Value, gradient of the maps and gradient of the slope, by ours and by torch's."""
    found = []
    upstream = torch.randn(maps.shape).to(maps)
    for kind in (PReLU, nn.PReLU):
        layer = kind(maps.shape[1])
        with torch.no_grad():
            layer.weight.copy_(torch.linspace(-0.2, 0.45, maps.shape[1]))
        inputs = maps.clone().requires_grad_()
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            value = layer(inputs) if autocast else layer.to(maps.dtype)(inputs)
        value.backward(upstream.to(value))
        found.append((value, inputs.grad, layer.weight.grad))
    return found


@pytest.mark.parametrize("autocast", [False, True])
@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_it_computes_what_torch_does(dtype: torch.dtype, layout: torch.memory_format, autocast: bool):
    torch.manual_seed(0)
    maps = torch.randn(5, 8, 6, 7).to(dtype).contiguous(memory_format=layout)
    maps[0, :, 0, 0] = 0.0
    (value, of_maps, of_slope), expected = both(maps, autocast)
    assert value.dtype == expected[0].dtype
    assert torch.equal(value, expected[0])
    assert torch.equal(of_maps, expected[1])
    assert of_slope.dtype == expected[2].dtype
    error = (of_slope.double() - expected[2].double()).abs().max() / expected[2].double().abs().max()
    assert float(error) <= TOLERANCES[dtype]


def test_its_gradients_are_right_and_can_be_differentiated():
    torch.manual_seed(1)
    layer = PReLU(3).double()
    maps = torch.randn(2, 3, 4, 4, dtype=torch.float64, requires_grad=True)

    def run(maps: Tensor, slope: Tensor) -> Tensor:
        return torch.func.functional_call(layer, {"weight": slope}, maps)

    slope = torch.tensor([0.25, 0.7, -0.1], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(run, (maps, slope))
    assert torch.autograd.gradgradcheck(run, (maps, slope))


@pytest.mark.parametrize("name", ["iresnet18", "mobilefacenet"])
def test_the_backbones_use_it(name: str):
    layers = [module for module in build_backbone(name, 8, 32).modules() if isinstance(module, nn.PReLU)]
    assert layers
    assert all(type(layer) is PReLU for layer in layers)
