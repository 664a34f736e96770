"""Fingerprints of a set of images: the same for the same data wherever it lies."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from facezoo.data.decode import InaccessibleImageError, UnreadableImageError
from facezoo.data.decoding import of_each
from facezoo.data.images import Images, Picture
from facezoo.errors import FacezooError

READ_AT_MOST: Final = 20_000
"""Images that are read for a fingerprint: all of a smaller set, evenly spread ones of a larger set."""

EMPTY: Final = hashlib.sha256().digest()


@dataclass(frozen=True)
class Content:
    """A fingerprint of what the images of a set are.

    `sha256` is over the name and the lasting state (of a file: its size) of every image, in order, and over
    the bytes of `read` of them: one in `every`, which is 1 for all.
    """

    sha256: str
    read: int
    every: int

    def as_dict(self) -> dict[str, Any]:
        """The fingerprint as checkpoint.json has it."""
        return asdict(self)


def fingerprint_of(images: Images) -> str:
    """SHA-256 over every image's name and lasting state, in order; no image is read for it."""
    digest = hashlib.sha256()
    for image in range(len(images)):
        digest.update(_line(images, image))
    return digest.hexdigest()


def content_of(images: Images, every: int | None = None, *, strict: bool = False) -> Content:
    """The fingerprint of what the images are, reading one in `every`; None: at most `READ_AT_MOST`.

    An image that cannot be read counts as one of no bytes: it is for whoever decodes it to complain. With
    `strict`, one that the system does not give out is a FacezooError: it may be back the next time.
    """
    every = every or max(1, -(-len(images) // READ_AT_MOST))
    chosen = range(every // 2, len(images), every)
    read = of_each(images, chosen, _digest)
    digest = hashlib.sha256()
    for image in range(len(images)):
        digest.update(_line(images, image, strict))
        if image in chosen:
            found = next(read)
            if strict and isinstance(found, InaccessibleImageError):
                raise _away(images, image, found)
            digest.update(EMPTY if isinstance(found, UnreadableImageError) else found)
    return Content(digest.hexdigest(), len(chosen), every)


def same_data(images: Images, saved: Mapping[str, Any]) -> bool:
    """Whether the images are those that the `data` of a checkpoint.json tells of, by the rule that it was
    made under: by content, or by names and sizes where an earlier facezoo wrote it.
    """
    if "content" not in saved:
        return fingerprint_of(images) == saved["fingerprint"]
    return content_of(images, saved["content"]["every"]).sha256 == saved["content"]["sha256"]


def _digest(picture: Picture | UnreadableImageError) -> bytes | UnreadableImageError:
    return picture if isinstance(picture, UnreadableImageError) else hashlib.sha256(bytes(picture)).digest()


def _line(images: Images, image: int, strict: bool = False) -> bytes:
    try:
        state = images.lasting_state(image)
    except OSError as problem:
        if strict:
            raise _away(images, image, problem) from problem
        state = "-1"
    return f"{images.names[image]}\0{state}\n".encode("utf-8", "surrogateescape")


def _away(images: Images, image: int, problem: Exception) -> FacezooError:
    reason = f"cannot be read ({problem.strerror})" if isinstance(problem, OSError) else str(problem)
    return FacezooError(
        f"{images.printable(image)}: {reason}", "Make it readable, or take it out of the images."
    )
