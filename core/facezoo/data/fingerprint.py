"""Fingerprints of a set of images by what is in its files.

`ImageFiles.fingerprint` is the earlier one, of names and sizes alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from facezoo.data.decode import UnreadableImageError
from facezoo.data.faces import ImageFiles

READ_AT_MOST: Final = 20_000
"""Files that are read for a fingerprint: all files of a smaller set, evenly spread ones of a larger set."""


@dataclass(frozen=True)
class Content:
    """A fingerprint of what is in the files of a set: equal for the same files wherever they lie.

    `sha256` is over the name and the size of every file, in order, and over the bytes of `read` of them: one
    in `every`, which is 1 for all.
    """

    sha256: str
    read: int
    every: int

    def as_dict(self) -> dict[str, Any]:
        """The fingerprint as checkpoint.json has it."""
        return asdict(self)


def content_of(images: ImageFiles, every: int | None = None) -> Content:
    """The fingerprint of what is in the images, reading one file in `every`; None: at most `READ_AT_MOST`.

    A file that cannot be read counts as one that is empty of bytes: it is for whoever decodes it to complain.
    """
    every = every or max(1, -(-len(images) // READ_AT_MOST))
    chosen = range(every // 2, len(images), every)
    digest = hashlib.sha256()
    for number, path in enumerate(images.paths):
        digest.update(f"{path}\0{images.size_of(number)}\n".encode("utf-8", "surrogateescape"))
        if number in chosen:
            digest.update(hashlib.sha256(_read(images, number)).digest())
    return Content(digest.hexdigest(), len(chosen), every)


def same_data(images: ImageFiles, saved: Mapping[str, Any]) -> bool:
    """Whether the images are those that the `data` of a checkpoint.json tells of, by the rule that it was
    made under: by content, or by names and sizes where an earlier facezoo wrote it.
    """
    if "content" not in saved:
        return images.fingerprint() == saved["fingerprint"]
    return content_of(images, saved["content"]["every"]).sha256 == saved["content"]["sha256"]


def _read(images: ImageFiles, number: int) -> bytes:
    try:
        return images.read(number)
    except (OSError, UnreadableImageError):
        return b""
