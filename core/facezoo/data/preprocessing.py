"""The preprocessing contract: what a backbone expects of its input, stored beside its weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import numpy.typing as npt

from facezoo._words import first_line, shown
from facezoo.data.decode import Fit
from facezoo.errors import FacezooError

if TYPE_CHECKING:
    import torch

CROPS: dict[Fit, str] = {"resize": "none", "crop": "central square"}
COLOURS: Final = ("RGB", "BGR")
Channels = float | tuple[float, float, float]
"""One number for all three channels, or one for each."""


@dataclass(frozen=True)
class Preprocessing:
    """How pixels become a backbone's input.

    `size` is the side of the square input in pixels; `colour` is the order of its channels; `mean` and `std`
    are in 8-bit units, one number for all or one per channel in that order. The defaults put the input into
    [-1, 1] (insightface's convention). `alignment` says in words how the faces were cut out; `fit` is what
    becomes of images that are not square (see `decode`).
    """

    size: int
    alignment: str
    colour: Literal["RGB", "BGR"] = "RGB"
    mean: Channels = 127.5
    std: Channels = 127.5
    fit: Fit = "resize"

    def to_input(self, pixels: npt.NDArray[np.uint8], device: torch.device) -> torch.Tensor:
        """uint8 RGB [B, size, size, 3] to float32 [B, 3, size, size] on `device`, channels last in memory."""
        import torch  # here, so that data can be checked without it

        images = torch.from_numpy(pixels).to(device).permute(0, 3, 1, 2)
        if self.colour == "BGR":
            images = images.flip(1)

        def of_channels(value: Channels) -> float | torch.Tensor:
            return torch.tensor(value, device=device).view(3, 1, 1) if isinstance(value, tuple) else value

        return images.float().sub_(of_channels(self.mean)).div_(of_channels(self.std))

    def as_dict(self) -> dict[str, Any]:
        """The contract as it is written into checkpoint.json."""
        return {
            "size": self.size,
            "aspect": 1.0,
            "colour": self.colour,
            "mean": _three(self.mean),
            "std": _three(self.std),
            "alignment": self.alignment,
            "crop": CROPS[self.fit],
            "scaling": "bilinear, antialiased (Pillow)",
        }

    @classmethod
    def from_dict(cls, contract: Mapping[str, Any], where: str) -> Preprocessing:
        """The contract that `as_dict` wrote; FacezooError, beginning with `where`, for another one."""
        try:
            fit = {crop: fit for fit, crop in CROPS.items()}[contract["crop"]]
            mean, std = _channels(contract["mean"]), _channels(contract["std"])
            size, alignment, colour = contract["size"], contract["alignment"], contract["colour"]
            if not isinstance(size, int) or not isinstance(alignment, str) or min(_three(std)) <= 0:
                message = f"size {shown(size)}, alignment {shown(alignment)}, std {shown(std)}"
                raise ValueError(message)
        except (KeyError, TypeError, ValueError) as problem:
            message = f"{where}: its preprocessing contract cannot be read ({first_line(problem)})"
            raise FacezooError(message, "Use the facezoo that wrote it.") from problem
        if colour not in COLOURS:
            message = f"{where}: the contract is colour {shown(colour)}; facezoo gives {' or '.join(COLOURS)}"
            raise FacezooError(message, "Use weights that were trained on one of these.")
        return cls(size, alignment, colour, mean, std, fit)


def _three(value: Channels) -> list[float]:
    return list(value) if isinstance(value, tuple) else [value] * 3


def _channels(values: Any) -> Channels:
    """The numbers of three channels, as one where they are equal; ValueError or TypeError for others."""
    first, second, third = values
    if not all(isfinite(value) for value in (first, second, third)):
        message = f"not finite: {shown(values)}"
        raise ValueError(message)
    return first if first == second == third else (first, second, third)
