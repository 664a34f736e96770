"""Lists of image files: what every source of images turns into."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from facezoo._cut import SHOWN
from facezoo._words import printable as printable  # noqa: PLC0414 (where many know it from)
from facezoo.data.files import read_file


@dataclass(frozen=True)
class LeftOut:
    """A file or folder that a source found but does not use, and why."""

    path: str
    reason: str

    def __str__(self) -> str:
        return f"{printable(self.path)}: {self.reason}"


def told(left_out: Sequence[LeftOut], rest: str) -> Iterator[str]:
    """Lines about what was left out, indented: each item where they are few, else each reason with a count.

    `rest` says where all are listed.
    """
    if len(left_out) <= SHOWN:
        yield from (f"  {item}" for item in left_out)
        return
    reasons: dict[str, list[str]] = defaultdict(list)
    for item in left_out:
        reasons[item.reason].append(item.path)
    for reason, paths in islice(reasons.items(), SHOWN):
        yield f"  {len(paths):,} x {reason}, such as {printable(paths[0])}"
    more = f"and {len(reasons) - SHOWN:,} other reasons; " if len(reasons) > SHOWN else ""
    yield f"  {more}{rest}"


@dataclass(frozen=True, eq=False)
class ImageFiles:
    """Image files, in a fixed order.

    `paths` are relative to `root`, with `/` between the parts. An image's position in `paths` is its number:
    the order of batches and every augmentation are functions of it, so a source must list the same files in
    the same order on every machine.
    """

    root: Path
    paths: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.paths)

    def read(self, image: int) -> bytes:
        """The encoded bytes of one image.

        OSError where the system does not give the file out, UnreadableImageError where it is not a regular
        file, or too large (see `facezoo.data.files`).
        """
        return read_file(self.root / self.paths[image])

    def size_of(self, image: int) -> int:
        """The size of one image's file in bytes; -1 where it has gone since it was listed."""
        try:
            return (self.root / self.paths[image]).stat().st_size
        except OSError:
            return -1

    def fingerprint(self) -> str:
        """SHA-256 over every file's name and size, in order: the same for the same data wherever it lies.

        `facezoo.data.fingerprint` has one of what is in the files.
        """
        digest = hashlib.sha256()
        for image, path in enumerate(self.paths):
            digest.update(f"{path}\0{self.size_of(image)}\n".encode("utf-8", "surrogateescape"))
        return digest.hexdigest()


@dataclass(frozen=True, eq=False)
class FaceSet(ImageFiles):
    """Images with identities, to train on.

    `labels` is int64 [N], each an index into `identities`; every identity has at least one image. `left_out`
    is what was found and not used.
    """

    labels: npt.NDArray[np.int64]
    identities: tuple[str, ...]
    left_out: tuple[LeftOut, ...] = ()

    def without(self, unreadable: Mapping[int, str]) -> FaceSet:
        """The set less the images whose numbers are given with a reason; identities left empty go too."""
        if not unreadable:
            return self
        kept = np.setdiff1d(np.arange(len(self)), np.fromiter(unreadable, np.int64))
        used, labels = np.unique(self.labels[kept], return_inverse=True)
        gone = [LeftOut(self.paths[image], reason) for image, reason in sorted(unreadable.items())]
        emptied = [
            LeftOut(self.identities[label], "no image of this identity can be read")
            for label in sorted(set(range(len(self.identities))) - set(used.tolist()))
        ]
        return replace(
            self,
            paths=tuple(self.paths[image] for image in kept),
            labels=labels.astype(np.int64),
            identities=tuple(self.identities[label] for label in used),
            left_out=(*self.left_out, *gone, *emptied),
        )
