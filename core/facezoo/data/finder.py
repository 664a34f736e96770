"""The images that names in a list of pairs mean."""

from __future__ import annotations

import unicodedata
from functools import cache
from pathlib import Path, PurePosixPath

from facezoo.data.folder import is_image


class Finder:
    """Finds the image that a name in a pairs file means: that file, or the one with an image's ending.

    Names are compared after NFC normalisation, as file systems differ in the form in which they store them.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = cache(self._folder)

    def __call__(self, name: str) -> str | None:
        """The path of the image called `name`, relative to the root, or None where there is none."""
        path = PurePosixPath(name.replace("\\", "/"))
        if path.is_absolute() or Path(name).is_absolute():
            return name if Path(name).is_file() else None
        parent = "" if path.parent == PurePosixPath() else self(str(path.parent))
        return None if parent is None else self.folder(parent).get(unicodedata.normalize("NFC", path.name))

    def _folder(self, parent: str) -> dict[str, str]:
        """What may be asked for in a folder, and the path that answers: whole file names, and their stems."""
        try:
            names = sorted(entry.name for entry in (self.root / parent).iterdir())
        except OSError:
            return {}
        stems = {Path(name).stem: name for name in reversed(names) if is_image(name)}
        answers = stems | {name: name for name in names}
        return {
            unicodedata.normalize("NFC", asked): f"{parent}/{name}" if parent else name
            for asked, name in answers.items()
        }
