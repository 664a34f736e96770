"""Images as every source gives them: their names, whose they are, and what is read of each.

`Images` is what a source of data implements, be it a folder, a packed file or a renderer of pictures. Stores,
caches, fingerprints, embeddings and messages know nothing else of where images come from.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import compress, islice
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from facezoo._words import printable
from facezoo.data.declared import NOTHING, Declared
from facezoo.data.decode import Fit, Pixels, UnreadableImageError
from facezoo.data.faces import LeftOut

Numbers = npt.NDArray[np.int64]
Picture: TypeAlias = bytes | Pixels
"""What is read of an image: an encoded file's bytes, or its pixels in RGB, uint8 [H, W, 3]."""


class Images(Protocol):
    """Images in a fixed order. A class that derives from this one needs `place`, `names`, `labels`,
    `identities`, `state`, and `read` or `in_order`; the rest has defaults.

    An image's position in `names` is its number: the order of batches and every augmentation are functions of
    it, so a source must give the same images in the same order on every machine.
    """

    place: str
    """Where they come from, as it stands before an image's name in messages: a folder's path, a file's, or
    the source's name. With `state` it decides which decoded pixels in the cache are theirs."""
    names: Sequence[str]
    """Of each image one of its own, with `/` between the parts, the identity's first: `Ann/1.png`."""
    labels: Numbers
    """int64 [N], each an index into `identities`; [0] where nothing is said of whose images they are."""
    identities: Sequence[str]
    """The names of the identities, each with at least one image; () where nothing is said of them."""
    left_out: Sequence[LeftOut] = ()
    """What was found and is not used."""
    declared: Declared = NOTHING
    """The preprocessing contract that the images come with."""
    fit: Fit | None = None
    """What becomes of images that are not square; None: what the setting `data.fit` says."""
    sequential: bool = False
    """Whether `in_order` is the only way to read, as from a stream. Such images must fit into
    `data.memory_mib` when they are trained on, where they are read in another order in each epoch."""

    def __len__(self) -> int:
        return len(self.names)

    def read(self, image: int) -> Picture:
        """One image: the bytes of an encoded file, or pixels in RGB, uint8 [H, W, 3]. Called by several
        threads at once.

        Raises UnreadableImageError with the reason where it is damaged for good, and OSError where it could
        not be read this time.
        """
        for found in islice(self.in_order(), image, None):
            if isinstance(found, UnreadableImageError):
                raise found
            return found
        raise IndexError(image)

    def in_order(self) -> Iterator[Picture | UnreadableImageError]:
        """All images in turn, or why one of them cannot be read; called where they are `sequential`."""
        return map(self.read, range(len(self)))

    def state(self, image: int) -> str:
        """What is another text whenever `read` would give another image, known without reading it: a file's
        size and time of change, or the version and settings of what renders it. OSError where it is away.
        """
        raise NotImplementedError

    def lasting_state(self, image: int) -> str:
        """As `state`, but for what a copy in another place does not share, such as times."""
        return self.state(image)

    def printable(self, image: int) -> str:
        """How messages name one image."""
        return printable(f"{self.place}/{self.names[image]}")

    def vary(self, pixels: Pixels, images: Numbers, seed: int, epoch: int) -> Pixels:
        """The images numbered `images` [n], as uint8 [n, size, size, 3], as an epoch of training sees them.

        For sources that render: it comes before the augmentation, and must be a function of (seed, epoch,
        image) alone. `pixels` may be changed in place.
        """
        return pixels


class _Borrowed(Images):
    """Images of others: `home` says whose one is, and its number there."""

    def home(self, image: int) -> tuple[Images, int]:
        raise NotImplementedError

    def read(self, image: int) -> Picture:
        home, number = self.home(image)
        return home.read(number)

    def state(self, image: int) -> str:
        home, number = self.home(image)
        return home.state(number)

    def lasting_state(self, image: int) -> str:
        home, number = self.home(image)
        return home.lasting_state(number)

    def printable(self, image: int) -> str:
        home, number = self.home(image)
        return home.printable(number)

    def _take_after(self, images: Images) -> None:
        self.place, self.declared, self.fit = images.place, images.declared, images.fit


class Chosen(_Borrowed):
    """Some of other images, by their numbers, int64 and ascending; `left_out` is added to what already was.

    Identities of which no image is chosen go, and labels are counted anew.
    """

    def __init__(self, images: Images, numbers: Numbers, left_out: Sequence[LeftOut] = ()) -> None:
        self.images, self.numbers, self.sequential = images, numbers, images.sequential
        self._take_after(images)
        known = images.labels[numbers] if len(images.labels) else images.labels
        used, labels = np.unique(known, return_inverse=True)
        self.labels = labels.astype(np.int64)
        self.identities = tuple(images.identities[label] for label in used)
        self.names = tuple(images.names[image] for image in numbers.tolist())
        self.left_out = (*images.left_out, *left_out)

    def home(self, image: int) -> tuple[Images, int]:
        """The images that were chosen from, and the number there."""
        return self.images, int(self.numbers[image])

    def in_order(self) -> Iterator[Picture | UnreadableImageError]:
        """See `Images`."""
        kept = np.zeros(len(self.images), np.bool_)
        kept[self.numbers] = True
        return compress(self.images.in_order(), kept.tolist())

    def vary(self, pixels: Pixels, images: Numbers, seed: int, epoch: int) -> Pixels:
        """See `Images`."""
        return self.images.vary(pixels, self.numbers[images], seed, epoch)


class Joined(_Borrowed):
    """The images of several that lie in one place, each once; none may be sequential."""

    def __init__(self, parts: Sequence[Images]) -> None:
        self._take_after(parts[0])
        self.homes: dict[str, tuple[Images, int]] = {}
        for part in parts:
            for image, name in enumerate(part.names):
                self.homes.setdefault(name, (part, image))
        self.names = tuple(self.homes)
        self.labels, self.identities = np.empty(0, np.int64), ()

    def home(self, image: int) -> tuple[Images, int]:
        """The first of the parts that has it, and the number there."""
        return self.homes[self.names[image]]


def without(images: Images, unreadable: Mapping[int, str]) -> Images:
    """The images less those whose numbers are given with a reason; identities left empty go too."""
    if not unreadable:
        return images
    kept = np.setdiff1d(np.arange(len(images)), np.fromiter(unreadable, np.int64))
    gone = [LeftOut(images.names[image], reason) for image, reason in sorted(unreadable.items())]
    emptied = sorted(set(range(len(images.identities))) - set(images.labels[kept].tolist()))
    nobody = [LeftOut(images.identities[label], "no image of this identity can be read") for label in emptied]
    return Chosen(images, kept, [*gone, *nobody])
