"""Training batches: order, augmentation, prefetching."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from facezoo.data.augment import Augmentation
from facezoo.data.decode import Pixels
from facezoo.data.draws import order
from facezoo.data.store import Store
from facezoo.data.threads import computed_ahead
from facezoo.errors import FacezooError

AHEAD = 2  # batches prepared while one is computed with
CANDIDATES = 8  # images that are tried at once where a batch is filled up

Numbers = npt.NDArray[np.int64]


def batch_count(images: int, batch_size: int) -> int:
    """Batches in an epoch. An odd image out joins a batch of two rather than make one of its own."""
    return min(-(-images // batch_size), images // 2)


@dataclass(frozen=True, eq=False)
class Batch:
    """Images to train on: their numbers, int64 [B], and pixels, uint8 [B, size, size, 3], RGB."""

    images: Numbers
    pixels: Pixels
    skipped: Mapping[int, str]
    """Images that belonged here and cannot be decoded, with reasons."""


@dataclass(frozen=True)
class Batches:
    """The batches of every epoch, each a function of (seed, epoch) and its position.

    An epoch goes once through all images in ceil(N / batch_size) batches whose sizes differ by at most one:
    no image is dropped, and there is no small last batch to disturb the batch statistics.

    With `skip`, images that cannot be decoded are left out of their batches. A batch that keeps fewer than
    `least` is filled up with the readable images that follow it in the epoch's order (after the last comes
    the first), which are then seen twice. So batches remain a function of the files, and a resumed run sees
    the same ones.
    """

    store: Store
    batch_size: int
    seed: int
    augmentation: Augmentation
    skip: bool = False
    least: int = 2

    def __post_init__(self) -> None:
        if min(self.batch_size, len(self.store)) < 2:
            message = (
                f"train.batch_size: {self.batch_size} with {len(self.store):,} images to train on gives "
                "batches of one image, which batch normalisation cannot use"
            )
            raise FacezooError(message, "Both must be at least 2.")

    def __len__(self) -> int:
        return batch_count(len(self.store), self.batch_size)

    def images(self, epoch: int) -> list[Numbers]:
        """The numbers of the images in each batch of an epoch (from 0), those that `skip` leaves out too."""
        return np.array_split(order(self.seed, epoch, len(self.store)), len(self))

    def epoch(self, epoch: int, first: int = 0, stopped: Callable[[], bool] | None = None) -> Iterator[Batch]:
        """The batches from number `first` of an epoch on.

        They end early where `stopped` turns true while one is waited for, as where a disk does not answer.
        """
        plan = self.images(epoch)[first:]
        return computed_ahead(lambda images: self.load(images, epoch), plan, AHEAD, stopped=stopped)

    def load(self, images: Numbers, epoch: int) -> Batch:
        """The batch of some images in an epoch, augmented."""
        skipped: Mapping[int, str] = {}
        if self.skip:
            images, pixels, skipped = self.store.fetch_readable(images)
            if len(images) < self.least:
                images, pixels = self._filled_up(images, pixels, skipped, epoch)
        else:
            pixels = self.store.fetch(images)
        pixels = self.store.images.vary(pixels, images, self.seed, epoch)
        return Batch(images, self.augmentation.apply(pixels, images, self.seed, epoch), skipped)

    def _filled_up(
        self, images: Numbers, pixels: Pixels, skipped: Mapping[int, str], epoch: int
    ) -> tuple[Numbers, Pixels]:
        everything = order(self.seed, epoch, len(self.store))
        batch = np.isin(everything, [*images.tolist(), *skipped])
        following = np.roll(everything, -1 - int(np.flatnonzero(batch)[-1]))
        others = following[~np.isin(following, everything[batch])]
        for start in range(0, len(others), CANDIDATES):
            more, their_pixels, _ = self.store.fetch_readable(others[start : start + CANDIDATES])
            images, pixels = np.concatenate([images, more]), np.concatenate([pixels, their_pixels])
            if len(images) >= self.least:
                return images[: self.least], pixels[: self.least]
        readable = f"{len(images):,} of {len(self.store):,} training images can be decoded"
        message = f"{readable}; a step needs {self.least}"
        raise FacezooError(message, "Look at them with `facezoo data check`.")


def in_order(store: Store, batch_size: int) -> Iterator[Pixels]:
    """All images of a store once, as they are, in batches; the next ones are fetched meanwhile."""
    numbers = np.arange(len(store))
    plan = (numbers[start : start + batch_size] for start in range(0, len(store), batch_size))
    return computed_ahead(store.fetch, plan, AHEAD)
