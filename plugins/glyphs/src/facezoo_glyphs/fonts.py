"""Font files and their faces."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from fontTools.ttLib import TTFont

from facezoo._words import printable
from facezoo.data.draws import uniform
from facezoo.errors import FacezooError
from facezoo_glyphs.coverage import covered
from facezoo_glyphs.drawing import EM, NoGlyphError, Pen
from facezoo_glyphs.scripts import Codes

# with no handler at all, Python prints what fontTools logs of a font's small faults, which it does not name
logging.getLogger("fontTools").addHandler(logging.NullHandler())

ENDINGS: Final = (".ttf", ".otf", ".ttc", ".otc")
"""Names of font files end so."""
FEW: Final = 256
"""Characters that are all looked at to tell a design."""
EAST: Final = 0x2E80
"""Where the scripts of thousands of characters begin."""
SAMPLED: Final = (1 / 8, 1 / 128)
"""The share that is looked at of more characters than a few: below `EAST`, and from there on."""


@dataclass(frozen=True, eq=False)
class Face:
    """One face of a font file: where it is, what it draws, and pictures to tell its design by."""

    path: Path
    number: int
    """Of the face in the file, from 0; only collections (.ttc) have several."""
    name: str
    sha256: str
    """Of the whole file."""
    codes: Codes
    """The characters that it really has, ascending, int64 [n]."""
    samples: Codes
    """Those of `codes` that its design is told by, int64 [k]."""
    pictures: npt.NDArray[np.uint64]
    """A digest of how each sample is drawn, uint64 [k]."""


def standard_folders() -> tuple[Path, ...]:
    """Where systems and users keep fonts, as far as these folders are there."""
    home, systems = Path.home(), (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"))
    data = Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share")
    return tuple(folder for folder in (*systems, data / "fonts", home / ".fonts") if folder.exists())


def font_files(folders: Sequence[Path]) -> list[Path]:
    """All font files below the folders, each once, by their places; links to files are followed.

    FacezooError where a folder cannot be listed.
    """
    found = (Path(top, name) for folder in folders for top, _, names in _walk(folder) for name in names)
    return sorted({path.resolve() for path in found if path.suffix.lower() in ENDINGS and path.is_file()})


def faces_of(path: Path) -> Iterator[Face]:
    """The faces of a font file.

    Raises NoOutlinesError, NoGlyphError where most characters cannot be drawn, and whatever fontTools and
    Pillow raise for a damaged font.
    """
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    number, faces = 0, 1
    while number < faces:
        with TTFont(path, fontNumber=number, lazy=True) as font:
            faces = getattr(font.reader, "numFonts", 1)
            name = printable(font["name"].getBestFullName() or path.stem)
            codes = covered(font)
        yield Face(path, number, name, sha256, codes, *_samples(path, number, codes))
        number += 1


def _samples(path: Path, number: int, codes: Codes) -> tuple[Codes, npt.NDArray[np.uint64]]:
    share = np.where(codes < EAST, *SAMPLED) if len(codes) > FEW else 1.0
    samples = codes[uniform(0, 0, codes, "glyphs: sample of a design") < share]
    pen = Pen(path, number, EM)
    pictures = np.array([_digest(pen, code) for code in samples.tolist()], np.uint64)
    if (blank := int((pictures == 0).sum())) > len(samples) / 2:
        raise NoGlyphError(f"{blank:,} of {len(samples):,} of its characters cannot be drawn, of those tried")
    return samples, pictures


def _digest(pen: Pen, code: int) -> int:
    try:
        drawn = pen.draw(code)
    except NoGlyphError:
        return 0
    content = f"{drawn.size}".encode() + drawn.tobytes()
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "little")


def _walk(folder: Path) -> Iterator[tuple[str, list[str], list[str]]]:
    def refuse(problem: OSError) -> None:
        message = f"{printable(str(problem.filename))}: cannot be listed ({problem.strerror})"
        raise FacezooError(
            message, "Fonts are looked for in it: name a folder that can be read."
        ) from problem

    return os.walk(folder, onerror=refuse)
