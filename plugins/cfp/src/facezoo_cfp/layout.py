"""Celebrities in Frontal-Profile in its official layout (Sengupta et al., WACV 2016).

`Protocol/Pair_list_F.txt` and `Pair_list_P.txt` number the frontal and the profile images, one per line:
`1 ../Data/Images/001/frontal/01.jpg`. `Protocol/Split/{FF,FP}/NN/{same,diff}.txt` list the pairs of each of
ten folds as `number,number`: of two frontal images, or of a frontal and a profile image.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from facezoo._words import printable
from facezoo.benchmarks import Given, PairsBenchmark
from facezoo.data.pairs import NamedPair
from facezoo.errors import FacezooError

Kind = Literal["FF", "FP"]
IMAGES = "Data/Images"


def open_ff(given: Given) -> PairsBenchmark:
    """CFP-FF in a folder."""
    return _open(given, "FF")


def open_fp(given: Given) -> PairsBenchmark:
    """CFP-FP in a folder."""
    return _open(given, "FP")


def _open(given: Given, kind: Kind) -> PairsBenchmark:
    root = given.file(f"cfp-{kind.lower()}")
    folders = (root / IMAGES, root, root / "images")
    return PairsBenchmark.listed(given, f"CFP-{kind}", read_cfp(root, kind), folders)


def read_cfp(root: Path, kind: Kind) -> list[NamedPair]:
    """The pairs of CFP-FF or CFP-FP in their folds, in the order of the files, genuine first.

    Names are relative to `Data/Images`. Raises FacezooError, naming file and line, where a list is missing or
    damaged or names an image that the numbering lacks.
    """
    protocol = root / "Protocol"
    frontal = _numbering(protocol / "Pair_list_F.txt")
    second = frontal if kind == "FF" else _numbering(protocol / "Pair_list_P.txt")
    split = protocol / "Split" / kind
    try:
        folds = sorted(path for path in split.iterdir() if path.is_dir())
    except OSError:
        folds = []
    if not folds:
        message = f"{printable(str(split))}: holds no folds"
        raise FacezooError(message, "Give the folder that holds CFP's Protocol and Data.")
    pairs = []
    for fold, folder in enumerate(folds):
        for name, same in (("same.txt", True), ("diff.txt", False)):
            for a, b in _pairs(folder / name, frontal, second):
                pairs.append(NamedPair(a, b, same, fold))
    return pairs


def _numbering(path: Path) -> dict[str, str]:
    images = {}
    for line, text in _lines(path):
        number, _, image = text.partition(" ")
        if not number.isdecimal() or not image:
            raise _broken(path, line, text, "A line is a number and an image's path.")
        if number in images:
            raise _broken(path, line, text, "Each image has a number of its own.")
        images[number] = _relative(image.strip())
    return images


def _relative(image: str) -> str:
    image = image.replace("\\", "/")
    while image.startswith(("../", "./")):
        image = image.partition("/")[2]
    return image.removeprefix(f"{IMAGES}/")


def _pairs(path: Path, first: dict[str, str], second: dict[str, str]) -> list[tuple[str, str]]:
    pairs = []
    for line, text in _lines(path):
        a, comma, b = (part.strip() for part in text.partition(","))
        if not comma or a not in first or b not in second:
            raise _broken(path, line, text, "A line is two numbers that Pair_list_F.txt and _P.txt explain.")
        pairs.append((first[a], second[b]))
    return pairs


def _lines(path: Path) -> list[tuple[int, str]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as problem:
        reason = getattr(problem, "strerror", None) or "not UTF-8 text"
        message = f"{printable(str(path))}: cannot be read ({reason})"
        raise FacezooError(message, "Give the folder that holds CFP's Protocol and Data.") from problem
    return [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1) if line.strip()]


def _broken(path: Path, line: int, found: str, hint: str) -> FacezooError:
    return FacezooError(f"{printable(str(path))}, line {line}: {printable(found[:60])!r}", hint)
