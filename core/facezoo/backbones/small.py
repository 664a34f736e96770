"""A small residual network for faces of about 64 x 64 pixels on a CPU.

Shaped by what is slow on one: plain ReLU in place (PReLU takes a third of the time of a network of this
size), a stride of 2 in the first convolution, and most of its depth at 8 x 8 and 16 x 16 pixels.
"""

from __future__ import annotations

import torch
from torch import nn

from facezoo.backbones.embedding import check_size, project

STRIDE = 16  # four halvings
STEM = 32
STAGES = (
    (32, 1),
    (64, 1),
    (128, 2),
    (160, 1),
)  # channels and blocks; every stage but the first halves the size


class Block(nn.Module):
    """Two 3 x 3 convolutions beside a shortcut, which averages where the size halves instead of skipping."""

    def __init__(self, inside: int, outside: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(inside, outside, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(outside),
            nn.ReLU(inplace=True),
            nn.Conv2d(outside, outside, 3, padding=1, bias=False),
            nn.BatchNorm2d(outside),
        )
        self.shortcut: nn.Module = nn.Identity()
        if inside != outside:
            average = nn.AvgPool2d(stride) if stride > 1 else nn.Identity()
            match = nn.Conv2d(inside, outside, 1, bias=False)
            self.shortcut = nn.Sequential(average, match, nn.BatchNorm2d(outside))

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Feature maps [B, inside, H, W] to [B, outside, H / stride, W / stride]."""
        return torch.relu_(self.body(maps) + self.shortcut(maps))


class Small(nn.Module):
    """The small network: float32 [B, 3, size, size] to embeddings float32 [B, dim]."""

    def __init__(self, dim: int, size: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, STEM, 3, 2, padding=1, bias=False), nn.BatchNorm2d(STEM), nn.ReLU(inplace=True)
        )
        blocks: list[nn.Module] = []
        channels = STEM
        for stage, (outside, depth) in enumerate(STAGES):
            for block in range(depth):
                blocks.append(Block(channels, outside, 2 if stage and block == 0 else 1))
                channels = outside
        self.stages = nn.Sequential(*blocks)
        self.fc = nn.Linear(channels * (size // STRIDE) ** 2, dim, bias=False)
        self.features = nn.BatchNorm1d(dim, affine=False)  # a bias would be a direction that all faces share
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Images float32 [B, 3, size, size] to raw embeddings float32 [B, dim]."""
        return project(self.stages(self.stem(images)), self.fc, self.features)


def small(dim: int, size: int) -> Small:
    """The small network for inputs of a multiple of 16 pixels; 1.4 M parameters at dim=128, size=64."""
    check_size("small", size, STRIDE)
    return Small(dim, size)
