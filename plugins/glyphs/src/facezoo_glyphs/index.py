"""What font files hold, found out once for each and kept while the file stays as it is."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from fontTools import version as fonttools
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from facezoo._words import first_line, printable
from facezoo.data import LeftOut
from facezoo.data.cache import cache_home
from facezoo.disk.durable import whole_file
from facezoo_glyphs.coverage import NoOutlinesError
from facezoo_glyphs.drawing import DRAWING, NoGlyphError
from facezoo_glyphs.fonts import Face, faces_of, font_files

VERSION: Final = f"1; fontTools {fonttools}; {DRAWING}"
"""What decides an entry, beside the file: raised, or another library, means that it is made anew."""
ARRAYS: Final = ("codes", "samples", "pictures")
SOON: Final = 20
"""Font files that are read in a few seconds; of more it is said that it takes a while."""


@dataclass(frozen=True, eq=False)
class Library:
    """The faces of all font files, in the order of the files' places, and the files that are not used."""

    faces: tuple[Face, ...]
    left_out: tuple[LeftOut, ...]


def library(folders: Sequence[Path]) -> Library:
    """The faces of all font files below the folders.

    There is a warning where that takes long for the first time, and where the index cannot be written.
    FacezooError where a folder cannot be listed.
    """
    faces: list[Face] = []
    left_out: list[LeftOut] = []
    unwritten: list[str] = []
    new, paths = 0, font_files(folders)
    for path in paths:
        entry = _Entry(path)
        found = entry.read()
        if found is None:
            new += 1
            if new == SOON:
                told = f"{len(paths):,} font files are read, once: that takes a quarter of a second each"
                warnings.warn(told, stacklevel=2)
            found = _looked_into(path)
            unwritten += entry.write(found)
        if isinstance(found, LeftOut):
            left_out.append(found)
        else:
            faces += found
    if unwritten:
        message = f"the index of fonts cannot be written ({unwritten[0]}): fonts are read again each time"
        warnings.warn(message, stacklevel=2)
    return Library(tuple(faces), tuple(left_out))


def _looked_into(path: Path) -> list[Face] | LeftOut:
    try:
        return list(faces_of(path))
    except (NoGlyphError, NoOutlinesError) as problem:
        return LeftOut(str(path), str(problem))
    except Exception as problem:  # noqa: BLE001 (fontTools raises whatever its parsing trips over)
        return LeftOut(str(path), first_line(problem))


class _Entry:
    """What the index holds of one font file: replaced when the file, or what reads it, has changed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        name = hashlib.sha256(str(path).encode("utf-8", "surrogateescape")).hexdigest()[:32]
        self.place = cache_home() / "glyphs" / f"{name}.safetensors"
        status = path.stat()
        self.state = f"{status.st_size} {status.st_mtime_ns}; {VERSION}"

    def read(self) -> list[Face] | LeftOut | None:
        """The faces, or why there are none; None where that is not known."""
        try:
            with safe_open(self.place, "numpy") as file:
                about = json.loads(file.metadata()["about"])
                if about["state"] != self.state:
                    return None
                if about["reason"]:
                    return LeftOut(str(self.path), about["reason"])
                return [self._face(about, number, file.get_tensor) for number in range(len(about["names"]))]
        except (OSError, SafetensorError, ValueError, KeyError, TypeError):
            return None

    def _face(self, about: Any, number: int, tensor: Callable[[str], Any]) -> Face:
        arrays = [tensor(f"{number}.{name}") for name in ARRAYS]
        return Face(self.path, number, about["names"][number], about["sha256"], *arrays)

    def write(self, found: list[Face] | LeftOut) -> list[str]:
        """Keep what was found; why that could not be, or nothing."""
        reason = found.reason if isinstance(found, LeftOut) else ""
        faces = [] if isinstance(found, LeftOut) else found
        about = {"state": self.state, "reason": reason, "names": [face.name for face in faces]}
        about["sha256"] = faces[0].sha256 if faces else ""
        arrays = {f"{face.number}.{name}": getattr(face, name) for face in faces for name in ARRAYS}
        try:
            self.place.parent.mkdir(parents=True, exist_ok=True)
            with whole_file(self.place) as beside:
                save_file(arrays, beside, {"about": json.dumps(about)})
        except OSError as problem:
            return [f"{printable(str(self.place.parent))}: {problem.strerror or problem}"]
        return []
