"""Images of a folder batch by batch, each read and decoded while the one before is embedded."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from facezoo.data.decode import InaccessibleImageError, OtherAspectError, Pixels, UnreadableImageError
from facezoo.data.decoding import decoded
from facezoo.data.faces import ImageFiles, printable
from facezoo.data.preprocessing import Preprocessing
from facezoo.data.threads import computed_ahead
from facezoo.errors import FacezooError


@dataclass(frozen=True, eq=False)
class ImageBatch:
    """Paths of the images that decode with their pixels uint8 [B, size, size, 3], and why others do not."""

    paths: list[str]
    pixels: Pixels
    unreadable: dict[str, str]


def image_batches(
    images: ImageFiles, contract: Preprocessing, first: int, size: int
) -> Generator[ImageBatch, None, None]:
    """The images from number `first` on, `size` at a time; one batch is read ahead.

    Raises FacezooError for an image of another aspect ratio, where the contract takes no crop, and for one
    that cannot be accessed: a share that is away for a moment must not look like a set of fewer images.
    """
    plan = [range(start, min(start + size, len(images))) for start in range(first, len(images), size)]
    return computed_ahead(lambda numbers: _read(images, contract, numbers), plan, ahead=1)


def _read(images: ImageFiles, contract: Preprocessing, numbers: range) -> ImageBatch:
    paths, pixels, unreadable = list[str](), list[Pixels](), dict[str, str]()
    results = decoded(images, numbers, contract.size, contract.fit)
    for path, result in zip((images.paths[number] for number in numbers), results, strict=True):
        if isinstance(result, OtherAspectError | InaccessibleImageError):
            raise _refused(images.root / path, result) from result
        if isinstance(result, UnreadableImageError):
            unreadable[path] = str(result)
        else:
            paths.append(path)
            pixels.append(result)
    blank = np.empty((0, contract.size, contract.size, 3), np.uint8)
    return ImageBatch(paths, np.stack(pixels) if pixels else blank, unreadable)


def _refused(path: Path, problem: UnreadableImageError) -> FacezooError:
    where = printable(str(path))
    if isinstance(problem, OtherAspectError):
        hint = "The network was trained on square images: crop these to what it expects first."
        return FacezooError(f"{where}: another aspect ratio: {problem}", hint)
    return FacezooError(f"{where}: {problem}", "Once it can be read, the same command goes on.")
