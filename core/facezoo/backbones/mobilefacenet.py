"""MobileFaceNet (Chen et al., "MobileFaceNets", CCBR 2018), in the wider form that insightface publishes.

Layer names, widths and groups are those of insightface's `mbf` (recognition/arcface_torch, after
cavaface's MobileFaceNet): twice the paper's channels, blocks (1, 4, 6, 2), 512 channels before a global
depthwise convolution. Its published weights load into this module.
"""

from __future__ import annotations

import torch
from torch import nn

from facezoo.backbones.embedding import check_size, project
from facezoo.backbones.prelu import PReLU

STRIDE = 16  # four halvings
WIDE, WIDER, LAST = 128, 256, 512  # channels of the stages, twice the paper's


class Layers(nn.Module):
    """Modules one after another under the name `layers`, as insightface's layout has them."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Feature maps [B, C, H, W] through all of them."""
        result: torch.Tensor = self.layers(maps)
        return result


class Bottleneck(Layers):
    """1 x 1 to `groups` channels, 3 x 3 depthwise, 1 x 1 to `outside` without an activation.

    A shortcut is added where the stride is 1.
    """

    def __init__(self, inside: int, outside: int, groups: int, stride: int) -> None:
        expand = _convolution(inside, groups, 1)
        depthwise = _convolution(groups, groups, 3, stride, groups)
        super().__init__(expand, depthwise, _linear(groups, outside, 1))
        self.residual = stride == 1

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Feature maps [B, inside, H, W] to [B, outside, H / stride, W / stride]."""
        inner = super().forward(maps)
        return maps + inner if self.residual else inner


class MobileFaceNet(nn.Module):
    """The whole network: float32 [B, 3, size, size] to embeddings float32 [B, dim]."""

    def __init__(self, dim: int, size: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            [
                _convolution(3, WIDE, 3, stride=2),
                _convolution(WIDE, WIDE, 3, groups=64),  # two channels a group, as published
                Bottleneck(WIDE, WIDE, 128, 2),
                _stage(WIDE, 128, 4),
                Bottleneck(WIDE, WIDER, 256, 2),
                _stage(WIDER, 256, 6),
                Bottleneck(WIDER, WIDER, 512, 2),
                _stage(WIDER, 256, 2),
            ]
        )
        self.conv_sep = _convolution(WIDER, LAST, 1)
        whole = _linear(LAST, LAST, size // STRIDE, groups=LAST, padding=0)
        fc = nn.Linear(LAST, dim, bias=False)
        self.features = Layers(whole, nn.Flatten(), fc, nn.BatchNorm1d(dim))
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Images float32 [B, 3, size, size] to raw embeddings float32 [B, dim]."""
        maps = images
        for layer in self.layers:
            maps = layer(maps)
        whole, _, fc, norm = self.features.layers
        return project(whole(self.conv_sep(maps)), fc, norm)  # type: ignore[arg-type]  # modules by position


def _convolution(inside: int, outside: int, kernel: int, stride: int = 1, groups: int = 1) -> Layers:
    convolution = nn.Conv2d(inside, outside, kernel, stride, kernel // 2, groups=groups, bias=False)
    return Layers(convolution, nn.BatchNorm2d(outside), PReLU(outside))


def _linear(inside: int, outside: int, kernel: int, groups: int = 1, padding: int = 0) -> Layers:
    convolution = nn.Conv2d(inside, outside, kernel, padding=padding, groups=groups, bias=False)
    return Layers(convolution, nn.BatchNorm2d(outside))


def _stage(channels: int, groups: int, depth: int) -> Layers:
    return Layers(*(Bottleneck(channels, channels, groups, 1) for _ in range(depth)))


def mobilefacenet(dim: int, size: int) -> MobileFaceNet:
    """MobileFaceNet for inputs of a multiple of 16 pixels (insightface: 112).

    2.1 M parameters at dim=512, size=112.
    """
    check_size("mobilefacenet", size, STRIDE)
    return MobileFaceNet(dim, size)
