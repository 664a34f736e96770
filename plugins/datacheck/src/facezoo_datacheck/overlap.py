"""What two sets of faces share: a test is worthless where people or images stand in both."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

from facezoo.data.decode import UnreadableImageError
from facezoo.data.decoding import of_each
from facezoo.data.faces import LeftOut, Why, printable
from facezoo.data.images import Images, Picture
from facezoo.data.opening import open_all

LOST = frozenset({Why.UNLISTED, Why.UNUSABLE, Why.OTHER_FORMAT})
PASSED_OVER = frozenset({Why.PASSED_OVER, Why.TWICE})


@dataclass(frozen=True)
class Overlap:
    """What a set shares with another folder of images."""

    path: str
    images: int
    """How many images the other folder holds."""
    identities: tuple[tuple[str, str], ...]
    """Names here and there that are one name, whatever their case, spaces and underscores."""
    numbers: tuple[str, ...]
    """Shared names that are numbers only: they say nothing of who it is, and are not counted as people."""
    same_name: tuple[tuple[str, str], ...]
    """Images of one identity and file name, endings aside; paths here and there."""
    same_bytes: tuple[tuple[str, str], ...]
    """Images of the same bytes, paths here and there."""
    unreadable: tuple[LeftOut, ...]
    """Files and folders there that could not be read, and so were not compared."""
    passed_over: tuple[LeftOut, ...] = ()
    """What is hidden, left behind by a system, or a second link to a folder."""

    def to_mend(self) -> list[str]:
        """What must not be shared with a set that one tests on."""
        other = printable(self.path)
        found = {
            f"identities by name that also stand in {other}: {len(self.identities):,}": self.identities,
            f"images by bytes that also stand in {other}: {len(self.same_bytes):,}": self.same_bytes,
            f"files in {other} that could not be compared: {len(self.unreadable):,}": self.unreadable,
        }
        return [text for text, there in found.items() if there]

    def as_dict(self) -> dict[str, Any]:
        """Everything, as JSON types."""

        def texts(pairs: Sequence[tuple[str, str]]) -> list[list[str]]:
            return [[printable(here), printable(there)] for here, there in pairs]

        return {
            "path": printable(self.path),
            "images": self.images,
            "identities": texts(self.identities),
            "identities_numbers_only": list(self.numbers),
            "images_by_name": texts(self.same_name),
            "images_by_bytes": texts(self.same_bytes),
            "not_compared": reasons(self.unreadable),
            "passed_over": reasons(self.passed_over),
        }


def reasons(items: Iterable[LeftOut]) -> list[dict[str, str]]:
    """What is not used and why, as JSON types."""
    return [{"path": printable(item.path), "reason": item.reason} for item in items]


def digest(data: Picture) -> bytes:
    """A digest that equal bytes share."""
    return blake2b(bytes(data), digest_size=16).digest()


def find_overlap(faces: Images, digests: Sequence[bytes], path: str) -> Overlap:
    """Compare `faces`, whose files have these digests, with all images in the folder `path` at any depth.

    Identities there are the folders on the way to an image, so any layout will do; `path` may name another
    source of images, too. Raises FacezooError where there is no image.
    """
    other = open_all(path)
    found = list(of_each(other, range(len(other)), _digest))
    unreadable = [item for item in other.left_out if item.why in LOST]
    unreadable += [LeftOut(other.names[i], x) for i, x in enumerate(found) if isinstance(x, str)]
    people = {_plain(folder): folder for there in other.names for folder in there.split("/")[:-1]}
    shared = [(name, people[_plain(name)]) for name in faces.identities if _plain(name) in people]
    names = {key: there for there in other.names if (key := _image_name(there))}
    contents = {x: other.names[i] for i, x in enumerate(found) if isinstance(x, bytes)}
    here = list(zip(faces.names, digests, strict=True))
    return Overlap(
        path=path,
        images=len(other),
        identities=tuple(pair for pair in shared if not _plain(pair[0]).isdecimal()),
        numbers=tuple(name for name, _ in shared if _plain(name).isdecimal()),
        same_name=tuple((p, names[key]) for p in faces.names if (key := _image_name(p)) in names),
        same_bytes=tuple((p, contents[content]) for p, content in here if content in contents),
        unreadable=tuple(unreadable),
        passed_over=tuple(item for item in other.left_out if item.why in PASSED_OVER),
    )


def _digest(picture: Picture | UnreadableImageError) -> bytes | str:
    return str(picture) if isinstance(picture, UnreadableImageError) else digest(picture)


def _plain(name: str) -> str:
    """A name without what differs between two spellings of it."""
    plain = unicodedata.normalize("NFC", name).casefold()
    return " ".join(plain.replace("_", " ").replace("-", " ").split())


def _image_name(path: str) -> tuple[str, str] | None:
    """Identity and file name without its ending; None for an image of no identity, or a numbered one."""
    folder, _, name = path.rpartition("/")
    identity = _plain(folder.rpartition("/")[2])
    return None if not identity or identity.isdecimal() else (identity, _plain(Path(name).stem))
