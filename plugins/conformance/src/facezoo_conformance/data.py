"""What a source of images must pass."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from itertools import islice
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from facezoo._words import printable, shown
from facezoo.data import Images, UnreadableImageError
from facezoo.data.opening import find_source, open_faces
from facezoo.registry import PluginEntry
from facezoo.registry.entries import DATA
from facezoo_conformance.judging import Check
from facezoo_conformance.packaging import enter_light_record, enter_requirement
from facezoo_conformance.rules import Rules, is_text, require

MOST: Final = 64
"""So many images are read, spread over all that there are."""
SIZE: Final = 8
"""The side of the images that `vary` is tried with, in pixels."""


@dataclass(frozen=True)
class Opening:
    """A source that was found: `text` is what `data.path` would be."""

    entry: PluginEntry
    text: str

    @cached_property
    def images(self) -> Images:
        """Its images; raises what goes wrong."""
        return open_faces(self.text)

    @cached_property
    def chosen(self) -> list[int]:
        """The images that are read: from the start of a stream, else spread over all."""
        count = len(self.images)
        if self.images.sequential:
            return list(range(min(MOST, count)))
        return sorted(set(np.linspace(0, count - 1, min(MOST, count)).astype(int).tolist()))

    @cached_property
    def pictures(self) -> list[object]:
        """What is read of `chosen`."""
        return [_read(self.images, image) for image in self.chosen]


RULES: Final = Rules[Opening]()
enter_requirement(RULES)
enter_light_record(RULES, DATA)


def checks(name: str) -> Iterator[Check[Opening]]:
    """Every check of an installed source, in order. `name` is what `data.path` would be, such as "orl" or
    "folder:PATH".

    FacezooError where no source is meant, or several are.
    """
    subject = Opening(find_source(name).entry, name)
    return (Check(subject, rule) for rule in IN_ORDER)


def _read(images: Images, image: int) -> object:
    """One image, as bytes of its own or as an array; why it cannot be read where it is damaged."""
    try:
        found: object = images.read(image)
    except UnreadableImageError as error:
        return str(error)
    return found.copy() if isinstance(found, np.ndarray) else found


def _same(one: object, two: object) -> bool:
    if isinstance(one, np.ndarray) and isinstance(two, np.ndarray):
        return bool(np.array_equal(one, two))
    return type(one) is type(two) and one == two


def _require_same(opening: Opening, found: Sequence[object], what: str) -> None:
    for image, one, two in zip(opening.chosen, opening.pictures, found, strict=True):
        require(_same(one, two), f"{opening.images.printable(image)}: {what}")


def _repeated(names: Sequence[str]) -> list[str]:
    return [printable(name) for name, count in Counter(names).items() if count > 1]


@RULES.check("listing")
def opens(opening: Opening) -> None:
    """It opens, and gives images with labels and identities, and a place that is a text."""
    images = opening.images
    require(len(images) > 0, "there is no image")
    require(is_text(images.place), f"its place is {shown(images.place)}")
    require(len(images.names) == len(images), f"{len(images.names)} names of {len(images)} images")


@RULES.check("listing")
def names(opening: Opening) -> None:
    """Every image has a name of its own, a relative path with `/` between its parts."""
    found = list(opening.images.names)
    strange = [name for name in found if not (is_text(name) and _is_relative(name))]
    require(not strange, f"{len(strange)} names are no relative paths, such as {shown(strange[:1])}")
    require(not (twice := _repeated(found)), f"{len(twice)} names stand for two images, such as {twice[:1]}")


def _is_relative(name: str) -> bool:
    return all(part not in ("", ".", "..") for part in name.split("/"))


@RULES.check("listing")
def labels(opening: Opening) -> None:
    """Labels are int64, one per image, each the number of an identity; every identity has an image."""
    found, identities = opening.images.labels, list(opening.images.identities)
    kind = getattr(found, "dtype", type(found).__name__)  # whatever it was declared to be
    require(kind == np.int64, f"labels are {kind}, not int64")
    require(len(found) == len(opening.images), f"{len(found)} labels of {len(opening.images)} images")
    lowest, highest = int(found.min()), int(found.max())
    inside = lowest >= 0 and highest < len(identities)
    require(inside, f"labels from {lowest} to {highest}, and {len(identities)} identities")
    empty = sorted(set(range(len(identities))) - set(found.tolist()))
    require(
        not empty,
        f"{len(empty)} identities have no image, such as {shown([identities[i] for i in empty[:1]])}",
    )
    require(not (twice := _repeated(identities)), f"two identities are called {twice[:1]}")


@RULES.check("listing")
def order(opening: Opening) -> None:
    """Opened again, it has the same images in the same order, with the same labels and identities."""
    one, two = opening.images, open_faces(opening.text)
    require(list(one.names) == list(two.names), "the names are others, or in another order")
    require(bool(np.array_equal(one.labels, two.labels)), "the labels are others")
    require(list(one.identities) == list(two.identities), "the identities are others")


@RULES.check("listing")
def states(opening: Opening) -> None:
    """`state` and `lasting_state` give texts, and the same ones when asked again."""
    again = open_faces(opening.text)
    for image in opening.chosen:
        where = opening.images.printable(image)
        require(is_text(where) and where.isprintable(), f"printable({image}) gives {shown(where)}")
        for said in ("state", "lasting_state"):
            one, *others = (
                getattr(images, said)(image) for images in (opening.images, opening.images, again)
            )
            require(isinstance(one, str), f"{where}: {said} gives a {type(one).__name__}, not a text")
            for other in others:
                require(one == other, f"{where}: {said} is {shown(one)} and then {shown(other)}")


@RULES.check("pictures")
def pictures(opening: Opening) -> None:
    """`read` gives an encoded image, or pixels as uint8 [H, W, 3]."""
    for image, found in zip(opening.chosen, opening.pictures, strict=True):
        trouble = _trouble(found)
        require(not trouble, f"{opening.images.printable(image)}: {trouble}")


def _trouble(found: object) -> str:
    """What is wrong with a picture; empty where nothing is."""
    if isinstance(found, np.ndarray):
        sound = found.dtype == np.uint8 and found.ndim == 3 and found.shape[2] == 3 and found.size
        return "" if sound else f"read gives {found.dtype} {list(found.shape)}, not uint8 [H, W, 3]"
    if isinstance(found, str):
        return f"cannot be read: {found}"
    return "" if _size(found) else f"read gives {shown(found)}, which is no image"


def _size(found: object) -> tuple[int, int] | None:
    """Height and width of a picture; None where it is none."""
    if isinstance(found, np.ndarray):
        return found.shape[0], found.shape[1]
    try:
        with Image.open(BytesIO(found)) as image:  # type: ignore[arg-type]  # whatever it is
            return image.height, image.width
    except (UnidentifiedImageError, OSError, TypeError, ValueError):
        return None


@RULES.check("pictures")
def one_size(opening: Opening) -> None:
    """All pictures have one size."""
    first: dict[tuple[int, int] | None, str] = {}
    for image, found in zip(opening.chosen, opening.pictures, strict=True):
        first.setdefault(_size(found), opening.images.printable(image))
    said = ", ".join(f"{size[1]} x {size[0]} ({where})" for size, where in first.items() if size)
    require(len(first) < 2, f"pictures of {len(first)} sizes: {said}")


@RULES.check("pictures")
def function(opening: Opening) -> None:
    """`read` is a function of the image's number: in any order, from several threads, opened again."""
    images, backwards = opening.images, opening.chosen[::-1]
    _require_same(opening, [_read(images, i) for i in backwards][::-1], "another picture when read again")
    with ThreadPoolExecutor(4) as pool:
        threads = list(pool.map(lambda image: _read(images, image), opening.chosen))
    _require_same(opening, threads, "another picture when several threads read")
    again = open_faces(opening.text)
    _require_same(opening, [_read(again, i) for i in opening.chosen], "another picture when opened again")


@RULES.check("pictures")
def own_memory(opening: Opening) -> None:
    """What is done to a picture changes no picture that is read later."""
    images = open_faces(opening.text)
    for image in opening.chosen:
        found = images.read(image)
        if isinstance(found, np.ndarray) and found.flags.writeable:
            found[...] = 255 - found
    _require_same(opening, [_read(images, i) for i in opening.chosen], "changed by its reader")


@RULES.check("pictures")
def in_order(opening: Opening) -> None:
    """`in_order` gives all pictures in turn, as `read` gives them."""
    last = opening.chosen[-1] + 1
    found = [
        str(each) if isinstance(each, Exception) else each for each in islice(opening.images.in_order(), last)
    ]
    require(len(found) == last, f"it ends after {len(found)} of {last} pictures")
    _require_same(opening, [found[image] for image in opening.chosen], "another picture in order")


@RULES.check("pictures")
def varied(opening: Opening) -> None:
    """`vary` keeps pictures uint8 [n, size, size, 3], and is a function of (seed, epoch, image) alone."""
    numbers = np.array(opening.chosen[:4], np.int64)
    pixels = np.random.default_rng(0).integers(0, 256, (len(numbers), SIZE, SIZE, 3), np.uint8)

    def vary(which: slice, epoch: int = 1) -> npt.NDArray[Any]:
        return opening.images.vary(pixels[which].copy(), numbers[which], 3, epoch)

    found = vary(slice(None))
    kept = found.shape == pixels.shape and found.dtype == np.uint8
    require(kept, f"{found.dtype} {list(found.shape)}, not uint8 {list(pixels.shape)}")
    vary(slice(None), epoch=2)
    require(_same(found, vary(slice(None))), "the same epoch gives other pictures when it is asked again")
    require(_same(found[-1:], vary(slice(len(numbers) - 1, None))), "a picture depends on those beside it")


IN_ORDER: Final = tuple(RULES.values())
"""Every check there is."""
