"""IResNet, the residual network of the ArcFace paper (Deng et al., CVPR 2019), as insightface lays it out.

Layer names and shapes are insightface's, so that its published weights load into these modules.
"""

from __future__ import annotations

import torch
from torch import nn

from facezoo.backbones.embedding import check_size, features, project
from facezoo.backbones.prelu import PReLU

STRIDE = 16  # four halvings
DEVIATION = 0.1  # of the weights that convolutions start with


class IBasicBlock(nn.Module):
    """BN, convolution, BN, PReLU, convolution, BN; then the shortcut is added, and no activation follows."""

    def __init__(self, inside: int, outside: int, stride: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inside)
        self.conv1 = nn.Conv2d(inside, outside, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outside)
        self.prelu = PReLU(outside)
        self.conv2 = nn.Conv2d(outside, outside, 3, stride, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(outside)
        self.downsample: nn.Sequential | None = None
        if stride != 1 or inside != outside:
            shortcut = nn.Conv2d(inside, outside, 1, stride, bias=False)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm2d(outside))

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Feature maps [B, inside, H, W] to [B, outside, H / stride, W / stride]."""
        inner: torch.Tensor = self.prelu(self.bn2(self.conv1(self.bn1(maps))))
        inner = self.bn3(self.conv2(inner))
        return inner + (maps if self.downsample is None else self.downsample(maps))


class IResNet(nn.Module):
    """IResNet with `depths` blocks in its four layers: float32 [B, 3, size, size] to embeddings [B, dim]."""

    def __init__(self, depths: tuple[int, int, int, int], dim: int, size: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.prelu = PReLU(64)
        self.layer1 = _layer(64, 64, depths[0])
        self.layer2 = _layer(64, 128, depths[1])
        self.layer3 = _layer(128, 256, depths[2])
        self.layer4 = _layer(256, 512, depths[3])
        self.bn2 = nn.BatchNorm2d(512)
        self.dropout = nn.Dropout(0.0, inplace=True)
        self.fc = nn.Linear(512 * (size // STRIDE) ** 2, dim)
        self.features = features(dim)
        _initialise(self)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Images float32 [B, 3, size, size] to raw embeddings float32 [B, dim]."""
        maps = self.prelu(self.bn1(self.conv1(images)))
        maps = self.layer4(self.layer3(self.layer2(self.layer1(maps))))
        return project(self.dropout(self.bn2(maps)), self.fc, self.features)


def _layer(inside: int, outside: int, depth: int) -> nn.Sequential:
    blocks = [
        IBasicBlock(inside if block == 0 else outside, outside, 2 if block == 0 else 1)
        for block in range(depth)
    ]
    return nn.Sequential(*blocks)


def _initialise(network: nn.Module) -> None:
    """Weights of convolutions as insightface draws them, from a normal distribution.

    Running variances start at what such a convolution gives for inputs of variance 1. Training does not see
    them, but with the usual 1 a network of 100 layers overflows if it is evaluated before it is trained.
    """
    before: nn.Conv2d | None = None
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.normal_(module.weight, 0.0, DEVIATION)
            before = module
        elif isinstance(module, nn.BatchNorm2d) and before is not None:
            assert module.running_var is not None
            nn.init.constant_(module.running_var, DEVIATION**2 * before.weight[0].numel())
            before = None


def iresnet18(dim: int, size: int) -> IResNet:
    """IResNet-18 for inputs of a multiple of 16 pixels (insightface: 112).

    24.0 M parameters at dim=512, size=112.
    """
    check_size("iresnet18", size, STRIDE)
    return IResNet((2, 2, 2, 2), dim, size)


def iresnet34(dim: int, size: int) -> IResNet:
    """IResNet-34, sizes as for `iresnet18`; 34.1 M parameters at dim=512, size=112."""
    check_size("iresnet34", size, STRIDE)
    return IResNet((3, 4, 6, 3), dim, size)


def iresnet50(dim: int, size: int) -> IResNet:
    """IResNet-50, sizes as for `iresnet18`; 43.6 M parameters at dim=512, size=112."""
    check_size("iresnet50", size, STRIDE)
    return IResNet((3, 4, 14, 3), dim, size)


def iresnet100(dim: int, size: int) -> IResNet:
    """IResNet-100, sizes as for `iresnet18`; 65.2 M parameters at dim=512, size=112."""
    check_size("iresnet100", size, STRIDE)
    return IResNet((3, 13, 30, 3), dim, size)
