"""A number per class, told by the classes' sizes: what shows whether poor classes got the larger margins."""

from __future__ import annotations

import torch
from torch import Tensor


def by_size(name: str, values: Tensor, images: Tensor) -> dict[str, float]:
    """Means of `values` [C] over the classes, and over those poor, middling and rich in `images` [C] int64.

    `{name}`: over all classes that have images; `{name}_poor`, `_mid` and `_rich`: over those with at most as
    many as the class at the first third of the classes in order of size, with at least as many as the one at
    the last third, and between. A class's group is a matter of its size alone, so groups can differ in length
    and an empty one is left out. `{name}_correlation`: Pearson's, with log images, in [-1, 1]. All but
    the first are left out where every class has the same size, the last also where all values are equal.
    """
    values, images = values[images > 0].double(), images[images > 0]
    if not len(images):
        return {}
    figures = {name: float(values.mean())}
    for group, chosen in _groups(images).items():
        if chosen.any():
            figures[f"{name}_{group}"] = float(values[chosen].mean())
    if min(_spread(values), _spread(images)) > 0:
        pair = torch.stack([values, images.double().log()])
        figures[f"{name}_correlation"] = float(torch.corrcoef(pair)[0, 1])
    return figures


def _groups(images: Tensor) -> dict[str, Tensor]:
    """Which classes are poor, middling and rich, [C] bool each; none of them where sizes do not differ."""
    if _spread(images) == 0:
        return {}
    ordered, third = images.sort().values, (len(images) + 2) // 3
    poor = images <= ordered[third - 1]
    rich = (images >= ordered[-third]) & ~poor
    return {"poor": poor, "mid": ~(poor | rich), "rich": rich}


def _spread(values: Tensor) -> float:
    return float(values.max() - values.min())
