"""Names and shapes of insightface's published backbones at 112 pixels, told from their layers."""

from __future__ import annotations

from pathlib import Path

import torch

Layout = dict[str, tuple[int, ...]]
DEPTHS = {
    "iresnet18": (2, 2, 2, 2),
    "iresnet34": (3, 4, 6, 3),
    "iresnet50": (3, 4, 14, 3),
    "iresnet100": (3, 13, 30, 3),
}


def norm(name: str, width: int) -> Layout:
    parts = ("weight", "bias", "running_mean", "running_var")
    return {f"{name}.{part}": (width,) for part in parts} | {f"{name}.num_batches_tracked": ()}


def iresnet_layout(depths: tuple[int, ...], dim: int = 512) -> Layout:
    layout: Layout = {"conv1.weight": (64, 3, 3, 3), "prelu.weight": (64,), **norm("bn1", 64)}
    for layer, depth in enumerate(depths, 1):
        outside = 32 * 2**layer
        for block in range(depth):
            name, first = f"layer{layer}.{block}", outside if block or layer == 1 else outside // 2
            layout |= norm(f"{name}.bn1", first) | norm(f"{name}.bn2", outside) | norm(f"{name}.bn3", outside)
            layout[f"{name}.conv1.weight"] = (outside, first, 3, 3)
            layout[f"{name}.prelu.weight"] = (outside,)
            layout[f"{name}.conv2.weight"] = (outside, outside, 3, 3)
            if block == 0:
                layout[f"{name}.downsample.0.weight"] = (outside, first, 1, 1)
                layout |= norm(f"{name}.downsample.1", outside)
    layout |= {"fc.weight": (dim, 512 * 7 * 7), "fc.bias": (dim,)}
    return layout | norm("bn2", 512) | norm("features", dim)


def mobilefacenet_layout(dim: int = 512) -> Layout:
    layout: Layout = {}

    def convolution(name: str, shape: tuple[int, ...], activation: bool = True) -> None:
        layout.update({f"{name}.layers.0.weight": shape}, **norm(f"{name}.layers.1", shape[0]))
        if activation:
            layout[f"{name}.layers.2.weight"] = (shape[0],)

    def bottleneck(name: str, inside: int, outside: int, groups: int) -> None:
        convolution(f"{name}.layers.0", (groups, inside, 1, 1))
        convolution(f"{name}.layers.1", (groups, 1, 3, 3))
        convolution(f"{name}.layers.2", (outside, groups, 1, 1), activation=False)

    convolution("layers.0", (128, 3, 3, 3))
    convolution("layers.1", (128, 2, 3, 3))
    for number, inside, outside, groups in ((2, 128, 128, 128), (4, 128, 256, 256), (6, 256, 256, 512)):
        bottleneck(f"layers.{number}", inside, outside, groups)
    for number, channels, groups, depth in ((3, 128, 128, 4), (5, 256, 256, 6), (7, 256, 256, 2)):
        for block in range(depth):
            bottleneck(f"layers.{number}.layers.{block}", channels, channels, groups)
    convolution("conv_sep", (512, 256, 1, 1))
    convolution("features.layers.0", (512, 1, 7, 7), activation=False)
    layout["features.layers.2.weight"] = (dim, 512)
    return layout | norm("features.layers.3", dim)


def state_of(layout: Layout) -> dict[str, torch.Tensor]:
    """Tensors of these names and shapes, each filled with another number."""
    return {
        name: torch.tensor(number)
        if name.endswith("num_batches_tracked")
        else torch.full(shape, 1 / (number + 1), dtype=torch.float32)
        for number, (name, shape) in enumerate(layout.items())
    }


def publish(value: object, path: Path) -> Path:
    """Write a file as insightface publishes them: a pickle."""
    torch.save(value, path)  # noqa: TID251  what is read safely elsewhere has to come from somewhere
    return path
