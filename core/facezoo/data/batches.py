"""Training batches: order, augmentation, prefetching."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

import numpy as np
import numpy.typing as npt

from facezoo.data.augment import Augmentation
from facezoo.data.decode import Pixels
from facezoo.data.draws import order
from facezoo.data.store import Store
from facezoo.errors import FacezooError

AHEAD = 2  # batches prepared while one is computed with


def batch_count(images: int, batch_size: int) -> int:
    """Batches in an epoch. An odd image out joins a batch of two rather than make one of its own."""
    return min(-(-images // batch_size), images // 2)


@dataclass(frozen=True)
class Batches:
    """The batches of every epoch, each a function of (seed, epoch) and its position.

    An epoch goes once through all images in ceil(N / batch_size) batches whose sizes differ by at most one:
    no image is dropped, and there is no small last batch to disturb the batch statistics.
    """

    store: Store
    batch_size: int
    seed: int
    augmentation: Augmentation

    def __post_init__(self) -> None:
        if min(self.batch_size, len(self.store)) < 2:
            message = (
                f"train.batch_size: {self.batch_size} with {len(self.store):,} images to train on gives "
                "batches of one image, which batch normalisation cannot use"
            )
            raise FacezooError(message, "Both must be at least 2.")

    def __len__(self) -> int:
        return batch_count(len(self.store), self.batch_size)

    def images(self, epoch: int) -> list[npt.NDArray[np.int64]]:
        """The numbers of the images in each batch of an epoch (from 0)."""
        return np.array_split(order(self.seed, epoch, len(self.store)), len(self))

    def epoch(self, epoch: int, first: int = 0) -> Iterator[tuple[npt.NDArray[np.int64], Pixels]]:
        """From batch `first` of an epoch on: image numbers int64 [B] and pixels uint8 [B, size, size, 3]."""
        plan = iter(self.images(epoch)[first:])
        with ThreadPoolExecutor(1, thread_name_prefix="facezoo-batches") as pool:
            ahead: deque[tuple[npt.NDArray[np.int64], Future[Pixels]]] = deque()
            try:
                for images in plan:
                    ahead.append((images, pool.submit(self.load, images, epoch)))
                    if len(ahead) > AHEAD:
                        yield _next(ahead)
                while ahead:
                    yield _next(ahead)
            finally:
                pool.shutdown(cancel_futures=True)

    def load(self, images: npt.NDArray[np.int64], epoch: int) -> Pixels:
        """The augmented pixels of some images in an epoch, uint8 [n, size, size, 3]."""
        return self.augmentation.apply(self.store.fetch(images), images, self.seed, epoch)


def _next(
    ahead: deque[tuple[npt.NDArray[np.int64], Future[Pixels]]],
) -> tuple[npt.NDArray[np.int64], Pixels]:
    images, pixels = ahead.popleft()
    return images, pixels.result()


def in_order(store: Store, batch_size: int) -> Iterator[Pixels]:
    """All images of a store once, as they are, in batches; the next ones are fetched meanwhile."""
    numbers = np.arange(len(store))
    plan = (numbers[start : start + batch_size] for start in range(0, len(store), batch_size))
    with ThreadPoolExecutor(1, thread_name_prefix="facezoo-batches") as pool:
        ahead = deque(pool.submit(store.fetch, images) for images in islice(plan, AHEAD))
        for images in plan:
            ahead.append(pool.submit(store.fetch, images))
            yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()
