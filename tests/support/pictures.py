"""Two sources of images that are no folders: one that renders, and one that is read in order alone."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO

import numpy as np
from PIL import Image

from facezoo.data import Images, UnreadableImageError
from support.distributions import Distribution


class Rendered(Images):
    """Three identities with four pictures each, whose colour tells them apart."""

    place = "rendered"
    identities = ("blue", "green", "red")
    labels = np.repeat(np.arange(3), 4)
    names = tuple(f"{name}/{number}" for name in identities for number in range(4))
    version = "1"

    def read(self, image: int) -> np.ndarray:
        picture = np.zeros((20, 20, 3), np.uint8)
        picture[:, : 5 + image % 4, 2 - image // 4] = 255
        return picture

    def state(self, image: int) -> str:
        return self.version


class Piped(Rendered):
    """The same as encoded files in a stream, which can only be gone through from its beginning."""

    place = "piped"
    sequential = True
    damaged = frozenset[int]()
    passes = 0

    def in_order(self) -> Iterator[bytes | UnreadableImageError]:
        self.passes += 1
        for image in range(len(self)):
            file = BytesIO()
            Image.fromarray(super().read(image)).save(file, "png")
            yield UnreadableImageError("half a record") if image in self.damaged else file.getvalue()

    def read(self, image: int) -> bytes:
        raise AssertionError("a stream is not read in any order")


_SOURCE = """
from facezoo.data import SourceSpec

recipe = {"train": {"epochs": 3}, "data": {"crop": 0.5}}
spec = SourceSpec(
    name="NAME", open="HOME:opened",
    **{"summary": "coloured pictures", "recipe": recipe, "preset": "paper"} | dict(FIELDS),
)


def opened(rest):
    from support.pictures import Piped, Rendered

    if rest == "broken":
        raise KeyError(rest)
    return Piped() if rest == "pipe" else Rendered()


def paired(rest):
    import numpy as np

    from facezoo.data import OwnPairs, Pairs

    images = opened(rest)
    left, right = np.triu_indices(len(images), 1)
    same = images.labels[left] == images.labels[right]
    return OwnPairs("all pairs of pictures", images, Pairs(left, right, same))
"""


def source(dist: str, fields: str = "", name: str = "rendered") -> Distribution:
    """A distribution that offers them as a source; `fields` are further ones of its record, or other ones."""
    home = f"fixture_{dist.replace('-', '_')}"
    text = _SOURCE.replace("FIELDS", fields).replace("NAME", name).replace("HOME", home)
    return Distribution(dist, {home: text}, {"facezoo.data": {name: f"{home}:spec"}})
