"""What data declares of its images: a contract that a run or a checkpoint must agree with.

A folder declares it in `facezoo.toml` beside its identity folders, in the section `[preprocessing]`:

    size = 112             # the side that its images are meant to be used at, pixels
    aspect = 1.0           # width / height of its images
    colour = "RGB"
    alignment = "insightface 5-point template"

Every line is optional, and only what is declared is checked: images that come without a declaration are
resized, as they always were. An `.npz` declares it as JSON text in the array `preprocessing`.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from facezoo._words import did_you_mean
from facezoo.data.faces import printable
from facezoo.errors import FacezooError

FILE: Final = "facezoo.toml"
UNDECLARED: Final = "as stored"
"""The alignment of images that nobody has said anything of: it contradicts nothing."""
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

        `contract` is as `Preprocessing.as_dict` gives it; words are compared without regard to case.
        """
        differing = [key for key in KINDS if key in self.values and not self._agrees(key, contract)]
        if differing:
            sides = "; ".join(
                f"{key}: {self.values[key]!r} there, {contract[key]!r} here" for key in differing
            )
            message = f"{self.where} declares images that do not fit {whose} ({sides})"
            hint = "Use data or weights of the same contract; or, if the declaration is wrong, mend it."
            raise FacezooError(message, hint)

    def _agrees(self, key: str, contract: Mapping[str, Any]) -> bool:
        theirs, ours = self.values[key], contract[key]
        if isinstance(theirs, str):
            if ours == UNDECLARED:
                return True
            return theirs.casefold() == str(ours).casefold()
        return abs(theirs - ours) < 0.01


def declared_in_folder(folder: Path) -> Declared:
    """What `facezoo.toml` in a folder of images declares: nothing where there is none.

    Raises FacezooError where it cannot be read, or holds anything else.
    """
    path = folder / FILE
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return Declared(printable(str(path)), {})
    except (OSError, ValueError) as problem:
        message = f"{printable(str(path))}: cannot be read ({problem})"
        raise FacezooError(message, "It is TOML, with the section [preprocessing].") from problem
    others = sorted(content.keys() - {"preprocessing"})
    if others:
        message = f"{printable(str(path))}: unknown section or setting {others[0]!r}"
        raise FacezooError(message, "It holds one section, [preprocessing].")
    return _declared(printable(str(path)), content.get("preprocessing", {}))


def declared_in_npz(path: Path) -> Declared:
    """What the array `preprocessing` of an .npz declares: nothing where there is none.

    Raises FacezooError where the file cannot be read, or the array is not JSON text of that kind.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:  # noqa: TID251  arrays only: nothing is unpickled
            text = str(arrays["preprocessing"]) if "preprocessing" in arrays else "{}"
        return _declared(printable(str(path)), json.loads(text))
    except (OSError, ValueError) as problem:
        message = f"{printable(str(path))}: its declaration cannot be read ({problem})"
        raise FacezooError(message, "`preprocessing` is an array of one JSON text.") from problem


def _declared(where: str, values: object) -> Declared:
    if not isinstance(values, dict):
        raise FacezooError(f"{where}: preprocessing is {values!r}", "It is a section of settings.")
    for key, value in values.items():
        if key not in KINDS:
            message = f"{where}: preprocessing.{key}: unknown{did_you_mean(key, KINDS)}"
            raise FacezooError(message, f"It may declare {', '.join(KINDS)}.")
        if not isinstance(value, KINDS[key]) or isinstance(value, bool):
            words = {int: "a whole number", float: "a number", str: "text"}
            message = f"{where}: preprocessing.{key}: should be {words[KINDS[key][-1]]}; it is {value!r}"
            raise FacezooError(message, f"It may declare {', '.join(KINDS)}.")
    return Declared(where, values)
