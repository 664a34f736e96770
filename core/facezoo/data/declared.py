"""What data declares of its images: a contract that a run or a checkpoint must agree with.

A folder declares it in `facezoo.toml` beside its identity folders, in the section `[preprocessing]`:

    size = 112             # the side that its images are meant to be used at, pixels
    aspect = 1.0           # width / height of its images
    colour = "RGB"
    alignment = "insightface 5-point template"

Every line is optional, and only what is declared is checked: images that come without a declaration are
resized, as they always were.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from facezoo._words import cut, did_you_mean, first_line, printable, shown
from facezoo.disk.reading import check_regular
from facezoo.errors import FacezooError

FILE: Final = "facezoo.toml"
GREATEST: Final = 100_000
"""What no side of an image in pixels, and no ratio of two, comes near to."""
LONGEST: Final = 2**20
"""Bytes that a declaration may have."""
UNDECLARED: Final = "as stored"
"""The alignment of images that nobody has said anything of: it contradicts nothing."""
DECODED: Final = "RGB"
"""The order of colours that files of images have, and must be declared to have if they are."""
KINDS: Final[Mapping[str, tuple[type, ...]]] = {
    "size": (int,),
    "aspect": (int, float),
    "colour": (str,),
    "alignment": (str,),
}


@dataclass(frozen=True)
class Declared:
    """The declared values by name, and where they stand."""

    where: str
    values: Mapping[str, Any]

    def check(self, contract: Mapping[str, Any], whose: str) -> None:
        """FacezooError, with both sides, where the data declares another value than `whose` `contract`.

        `contract` is as `Preprocessing.as_dict` gives it; words are compared without regard to case. What it
        says of colour is not compared: images are decoded to RGB, and brought from there to its order.
        """
        ours = {**contract, "colour": DECODED}
        differing = [key for key in KINDS if key in self.values and not self._agrees(key, ours)]
        if differing:
            sides = "; ".join(
                f"{key}: {shown(self.values[key])} there, {ours[key]!r} here" for key in differing
            )
            message = f"{self.where} declares images that do not fit {whose} ({sides})"
            hint = "Use data or weights of the same contract; or, if the declaration is wrong, mend it."
            raise FacezooError(message, hint)

    @property
    def alignment(self) -> str:
        """How the faces were cut out, in words."""
        return str(self.values.get("alignment", UNDECLARED))

    def _agrees(self, key: str, contract: Mapping[str, Any]) -> bool:
        theirs, ours = self.values[key], contract[key]
        if isinstance(theirs, str):
            if ours == UNDECLARED:
                return True
            return theirs.casefold() == str(ours).casefold()
        return abs(theirs - ours) < 0.01


NOTHING: Final = Declared("", {})
"""Of images of which nothing is declared."""


def declared_in_folder(folder: Path) -> Declared:
    """What `facezoo.toml` in a folder of images declares: nothing where there is none.

    Raises FacezooError where it cannot be read, or holds anything else.
    """
    path = folder / FILE
    where = printable(str(path))
    try:
        content = _read(path)
    except FileNotFoundError:
        return Declared(where, {})
    except (OSError, ValueError, RecursionError) as problem:
        reason = getattr(problem, "strerror", None) or first_line(problem)
        message = f"{where}: cannot be read ({reason})"
        raise FacezooError(message, "It is TOML, with the section [preprocessing].") from problem
    others = sorted(content.keys() - {"preprocessing"})
    if others:
        message = f"{where}: unknown section or setting {shown(others[0])}"
        raise FacezooError(message, "It holds one section, [preprocessing].")
    return _declared(where, content.get("preprocessing", {}))


def _read(path: Path) -> dict[str, Any]:
    if check_regular(path) > LONGEST:
        message = f"it has more than {LONGEST:,} bytes"
        raise ValueError(message)
    return tomllib.loads(path.read_text(encoding="utf-8-sig"))


def _declared(where: str, values: object) -> Declared:
    if not isinstance(values, dict):
        raise FacezooError(f"{where}: preprocessing is {shown(values)}", "It is a section of settings.")
    for key, value in values.items():
        if key not in KINDS:
            message = f"{where}: preprocessing.{cut(printable(key))}: unknown{did_you_mean(key, KINDS)}"
            raise FacezooError(message, f"It may declare {', '.join(KINDS)}.")
        fits = isinstance(value, KINDS[key]) and not isinstance(value, bool)
        if not fits or not (isinstance(value, str) or 0 < value < GREATEST):
            words = {int: "a whole number", float: "a number", str: "text"}
            message = f"{where}: preprocessing.{key}: should be {words[KINDS[key][-1]]}; it is {shown(value)}"
            raise FacezooError(message, f"It may declare {', '.join(KINDS)}.")
    return Declared(where, values)
