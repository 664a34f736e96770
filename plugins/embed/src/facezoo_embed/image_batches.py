"""Images batch by batch, each read and decoded while the one before is embedded."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from itertools import islice

import numpy as np

from facezoo.data.decode import InaccessibleImageError, OtherAspectError, Pixels, UnreadableImageError
from facezoo.data.decoding import decoded
from facezoo.data.images import Images
from facezoo.data.preprocessing import Preprocessing
from facezoo.errors import FacezooError


@dataclass(frozen=True, eq=False)
class ImageBatch:
    """Paths of the images that decode with their pixels uint8 [B, size, size, 3], and why others do not."""

    paths: list[str]
    pixels: Pixels
    unreadable: dict[str, str]


def image_batches(
    images: Images, contract: Preprocessing, first: int, size: int
) -> Generator[ImageBatch, None, None]:
    """The images from number `first` on, `size` at a time; the next ones are read and decoded meanwhile.

    Raises FacezooError for an image of another aspect ratio, where neither the source nor the contract takes
    a crop, and for one that cannot be accessed: a share that is away for a moment must not look like a set of
    fewer images.
    """
    numbers = range(first, len(images))
    results = zip(numbers, decoded(images, numbers, contract.size, images.fit or contract.fit), strict=True)
    while some := list(islice(results, size)):
        yield _batch(images, some, contract.size)


def _batch(images: Images, some: list[tuple[int, Pixels | UnreadableImageError]], size: int) -> ImageBatch:
    paths, pixels, unreadable = list[str](), list[Pixels](), dict[str, str]()
    for number, result in some:
        if isinstance(result, OtherAspectError | InaccessibleImageError):
            raise _refused(images.printable(number), result) from result
        if isinstance(result, UnreadableImageError):
            unreadable[images.names[number]] = str(result)
        else:
            paths.append(images.names[number])
            pixels.append(result)
    blank = np.empty((0, size, size, 3), np.uint8)
    return ImageBatch(paths, np.stack(pixels) if pixels else blank, unreadable)


def _refused(where: str, problem: UnreadableImageError) -> FacezooError:
    if isinstance(problem, OtherAspectError):
        hint = "The network was trained on square images: crop these to what it expects first."
        return FacezooError(f"{where}: another aspect ratio: {problem}", hint)
    return FacezooError(f"{where}: {problem}", "Once it can be read, the same command goes on.")
