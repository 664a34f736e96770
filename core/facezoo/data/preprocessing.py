"""The preprocessing contract: what a backbone expects of its input, stored beside its weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from facezoo._words import first_line
from facezoo.data.decode import Fit
from facezoo.errors import FacezooError

if TYPE_CHECKING:
    import torch

CROPS: dict[Fit, str] = {"resize": "none", "crop": "central square"}


@dataclass(frozen=True)
class Preprocessing:
    """How pixels become a backbone's input.

    `size` is the side of the square input in pixels; `mean` and `std` are in 8-bit units, the same for R, G
    and B, so that the input lies in [-1, 1] (insightface's convention); `alignment` says in words how the
    faces were cut out; `fit` is what becomes of images that are not square (see `decode`).
    """

    size: int
    alignment: str
    colour: str = "RGB"
    mean: float = 127.5
    std: float = 127.5
    fit: Fit = "resize"

    def to_input(self, pixels: npt.NDArray[np.uint8], device: torch.device) -> torch.Tensor:
        """uint8 [B, size, size, 3] to float32 [B, 3, size, size] on `device`, channels last in memory."""
        import torch  # here, so that data can be checked without it

        images = torch.from_numpy(pixels).to(device).permute(0, 3, 1, 2)
        return images.float().sub_(self.mean).div_(self.std)

    def as_dict(self) -> dict[str, Any]:
        """The contract as it is written into checkpoint.json."""
        return {
            "size": self.size,
            "aspect": 1.0,
            "colour": self.colour,
            "mean": [self.mean] * 3,
            "std": [self.std] * 3,
            "alignment": self.alignment,
            "crop": CROPS[self.fit],
            "scaling": "bilinear, antialiased (Pillow)",
        }

    @classmethod
    def from_dict(cls, contract: Mapping[str, Any], where: str) -> Preprocessing:
        """The contract that `as_dict` wrote; FacezooError, beginning with `where`, for another one."""
        try:
            fit = {crop: fit for fit, crop in CROPS.items()}[contract["crop"]]
            (mean,), (std,) = {*contract["mean"]}, {*contract["std"]}
            read = cls(contract["size"], contract["alignment"], contract["colour"], mean, std, fit)
        except (KeyError, TypeError, ValueError) as problem:
            message = f"{where}: its preprocessing contract cannot be read ({first_line(problem)})"
            raise FacezooError(message, "Use the facezoo that wrote it.") from problem
        if read.colour != "RGB":
            message = f"{where}: the contract is colour {read.colour!r}; facezoo gives RGB"
            raise FacezooError(message, "Use weights that were trained on RGB.")
        return read
