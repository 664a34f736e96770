"""What a folder of faces holds, and what in it needs mending before it is trained on."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

from facezoo.data.decode import UnreadableImageError, is_square, load
from facezoo.data.decoding import of_each
from facezoo.data.faces import LeftOut, printable
from facezoo.data.images import Images, Picture
from facezoo.data.opening import open_faces
from facezoo_datacheck.overlap import Overlap, digest, find_overlap, reasons


@dataclass(frozen=True)
class Looked:
    """One file: the digest of its bytes, and its sides in pixels or the reason why there are none."""

    digest: bytes
    sides: tuple[int, int] | None
    reason: str = ""


@dataclass(frozen=True)
class Duplicates:
    """Images of the same bytes, their paths in order, and the identities that they stand under."""

    paths: tuple[str, ...]
    identities: tuple[str, ...]


@dataclass(frozen=True)
class DataCheck:
    """All that a check found. Every file that was found is in `images`, `unreadable` or `left_out`."""

    path: str
    declared: Mapping[str, Any]
    """What the folder's `facezoo.toml` declares."""
    images: int
    """How many could be decoded."""
    per_identity: Mapping[str, int]
    """Readable images of each identity, by name; 0 where none is readable."""
    sides: Mapping[tuple[int, int], int]
    """How many images have these sides (width, height in pixels)."""
    unreadable: tuple[LeftOut, ...]
    left_out: tuple[LeftOut, ...]
    other_aspect: tuple[LeftOut, ...]
    """Images that are not square, with their sides; none where the source crops by a rule of its own."""
    across: tuple[Duplicates, ...]
    within: tuple[Duplicates, ...]
    overlap: Overlap | None = None

    @property
    def identities(self) -> int:
        """How many identities have a readable image."""
        return sum(count > 0 for count in self.per_identity.values())

    def to_mend(self) -> list[str]:
        """What stands in the way of training, or of believing what is measured afterwards; empty: usable."""
        spread = {name for group in self.across for name in group.identities}
        found = {
            number_of(len(self.unreadable), "unreadable image"): self.unreadable,
            number_of(len(self.other_aspect), "image that is not square", "images that are not square"): (
                self.other_aspect
            ),
            f"byte-identical images under {len(spread):,} different identities": spread,
            f"{number_of(self.identities, 'identity', 'identities')}; a loss tells at least two apart": (
                self.identities < 2
            ),
        }
        mend = [text for text, there in found.items() if there]
        return mend + (self.overlap.to_mend() if self.overlap else [])

    def as_dict(self) -> dict[str, Any]:
        """Everything, as JSON types; names that are no Unicode are shown escaped."""
        counts = [count for count in self.per_identity.values() if count]
        return {
            "path": printable(self.path),
            "usable": not self.to_mend(),
            "to_mend": self.to_mend(),
            "declared": dict(self.declared),
            "images": self.images,
            "identities": self.identities,
            "images_per_identity": {
                "min": min(counts, default=0),
                "median": median(counts) if counts else 0,
                "max": max(counts, default=0),
                "each": {printable(name): count for name, count in self.per_identity.items()},
            },
            "sides": {f"{width}x{height}": count for (width, height), count in self.sides.items()},
            "unreadable": reasons(self.unreadable),
            "left_out": reasons(self.left_out),
            "other_aspect": reasons(self.other_aspect),
            "identical_across_identities": [list(map(printable, group.paths)) for group in self.across],
            "identical_within_an_identity": [list(map(printable, group.paths)) for group in self.within],
            "against": self.overlap.as_dict() if self.overlap else None,
        }


def check_faces(path: str, against: str | None = None) -> DataCheck:
    """Read, decode and compare every image of the set that `path` names, with all cores.

    `against` is another folder of images, such as the one to be tested on. Raises FacezooError where there is
    nothing to check at either.
    """
    faces = open_faces(path)
    looked = list(of_each(faces, range(len(faces)), _look))
    good = [image for image, found in enumerate(looked) if found.sides]
    counts = Counter(faces.identities[faces.labels[image]] for image in good)
    groups = _same_bytes(faces, looked)
    return DataCheck(
        path=path,
        declared=faces.declared.values,
        images=len(good),
        per_identity={name: counts[name] for name in faces.identities},
        sides=dict(Counter(found.sides for found in looked if found.sides).most_common()),
        unreadable=tuple(
            LeftOut(faces.names[i], found.reason) for i, found in enumerate(looked) if found.reason
        ),
        left_out=tuple(faces.left_out),
        other_aspect=() if faces.fit == "crop" else tuple(_not_square(faces, looked)),
        across=tuple(group for group in groups if len(group.identities) > 1),
        within=tuple(group for group in groups if len(group.identities) == 1),
        overlap=find_overlap(faces, [found.digest for found in looked], against) if against else None,
    )


def _look(data: Picture | UnreadableImageError) -> Looked:
    if isinstance(data, UnreadableImageError):
        return Looked(b"", None, str(data))
    try:
        return Looked(digest(data), load(data).size)
    except UnreadableImageError as problem:
        return Looked(digest(data), None, str(problem))


def _not_square(faces: Images, looked: Iterable[Looked]) -> Iterable[LeftOut]:
    for image, found in enumerate(looked):
        if found.sides and not is_square(found.sides):
            yield LeftOut(faces.names[image], f"{found.sides[0]} x {found.sides[1]} pixels")


def _same_bytes(faces: Images, looked: Iterable[Looked]) -> list[Duplicates]:
    """Groups of two or more; files that were not read, or do not decode, are in none."""
    groups: dict[bytes, list[int]] = defaultdict(list)
    for image, found in enumerate(looked):
        if found.sides:
            groups[found.digest].append(image)
    return [
        Duplicates(
            tuple(faces.names[image] for image in group),
            tuple(dict.fromkeys(faces.identities[faces.labels[image]] for image in group)),
        )
        for group in groups.values()
        if len(group) > 1
    ]


def number_of(number: int, one: str, many: str = "") -> str:
    """A number with its noun: "1 image", "1,200 images"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
