"""Backbones that are each broken in one way: the one called `x` fails the check `x` and no other.

Installed by tests as `fixture_broken_backbones`.
"""

from __future__ import annotations

import random

import torch
from torch import nn

from facezoo import FacezooError


class Plain(nn.Module):
    def __init__(self, dim, size):
        super().__init__()
        self.body = nn.Sequential(nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(48, 2 * dim), nn.PReLU())
        self.last = nn.Sequential(nn.Linear(2 * dim, dim), nn.BatchNorm1d(dim))

    def forward(self, images):
        return self.last(self.body(images))


plain = Plain


def choosy(dim, size):
    if size != 112:
        raise FacezooError(f"{size} is not 112", "Take 112.")
    return Plain(dim, size)


def factory(dim, size):
    return [][size]


def refusing(dim, size):
    raise FacezooError("not today")


def unfit(dim, size):
    return Plain(dim, size) if size % 2 == 0 else [][size]


def embedding_size(dim, size):
    return Plain(16, size)


class Doubled(Plain):
    def forward(self, images):
        return super().forward(images).double()


class Rooted(Plain):
    """No slope where all pixels are black."""

    def forward(self, images):
        return super().forward((1 + images).log())


class Cut(Plain):
    def forward(self, images):
        return super().forward(images).detach().requires_grad_()


class Idle(Plain):
    def __init__(self, dim, size):
        super().__init__(dim, size)
        self.unused = nn.Parameter(torch.zeros(3))


class Detached(Plain):
    def forward(self, images):
        return super().forward(images).detach()


class Blind(Plain):
    def forward(self, images):
        return super().forward(0 * images)


class Mixing(Plain):
    """Batch statistics, whatever the mode."""

    def forward(self, images):
        found = super().forward(images)
        return found - found.mean(0) / 2


class Dropping(Plain):
    def forward(self, images):
        return nn.functional.dropout(super().forward(images), 0.2, training=True)


class Counting(Plain):
    def __init__(self, dim, size):
        super().__init__(dim, size)
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, images):
        self.seen += len(images)
        return super().forward(images)


class Overwriting(Plain):
    def forward(self, images):
        return super().forward(images.mul_(0.5).clone())


class Forgetful(Plain):
    def __init__(self, dim, size):
        super().__init__(dim, size)
        self.scale = torch.rand(())

    def forward(self, images):
        return super().forward(images) * self.scale


class Drawn(Plain):
    def __init__(self, dim, size):
        super().__init__(dim, size)
        with torch.no_grad():
            self.last[0].weight.mul_(1 + random.random())


class Unmixed(Plain):
    """A product of two dtypes, where autocast has changed one."""

    def forward(self, images):
        inner = self.body(images)
        with torch.autocast("cpu", enabled=False):
            return self.last(inner)


gradients, cut, idle, finite, tells_apart = Detached, Cut, Idle, Rooted, Blind
doubled, alone, repeats, read_only = Doubled, Mixing, Dropping, Counting
inputs_kept, saving, deterministic, autocast = Overwriting, Forgetful, Drawn, Unmixed
