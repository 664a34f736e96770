"""Which files lie below a folder: one walk for training, checking, comparing and embedding.

Links to folders are followed, each folder once: neither a loop nor a second name counts an image twice, and
a folder's own place goes before links to it. Hidden names (with a dot in front) and what systems and viewers
leave behind are passed over. Whatever is not used is noted with its reason.
"""

from __future__ import annotations

import os
import unicodedata
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from facezoo.data.faces import LeftOut, Why, printable
from facezoo.data.formats import is_image, why_not
from facezoo.disk.reading import not_regular
from facezoo.errors import FacezooError

LITTER: Final = frozenset(
    {
        *("thumbs.db", "ehthumbs.db", "desktop.ini", "$recycle.bin", "system volume information"),
        *("__macosx", "icon\r", "@eadir", "#recycle", "lost+found", "__pycache__"),
    }
)
"""Names, in small letters, that Windows, macOS, network storage and Python leave behind."""


@dataclass(frozen=True)
class Walked:
    """What lies below a folder, as paths relative to it with `/` between the parts."""

    root: Path
    images: tuple[str, ...]
    folders: tuple[str, ...]
    """All that were entered, links among them; not the root."""
    left_out: tuple[LeftOut, ...]
    """Everything else, sorted by kind of reason, then by path."""

    def not_used(self) -> tuple[LeftOut, ...]:
        """All that is not used; files beside the folders that are no images are as usual, and not told."""
        return tuple(item for item in self.left_out if item.why is not Why.NO_IMAGE or "/" in item.path)


def walk(root: Path, deepest: int | None = None) -> Walked:
    """What lies below `root`, sorted by path; folders more than `deepest` levels down are not entered.

    Raises FacezooError where `root` itself cannot be listed.
    """
    walking = _Walk(root, deepest)
    walking.enter("")
    while walking.links:
        walking.enter(walking.links.popleft())
    images, folders = (tuple(sorted(paths, key=sort_key)) for paths in (walking.images, walking.folders))
    left_out = sorted(walking.left_out, key=lambda item: (item.why or 0, sort_key(item.path)))
    return Walked(root, images, folders, tuple(left_out))


def sort_key(name: str) -> tuple[str, str]:
    """Orders names alike on file systems that store them composed (NFC) and decomposed (NFD)."""
    return unicodedata.normalize("NFC", name), name


def passed_over(name: str) -> str | None:
    """Why a file or folder of this name is no part of anyone's data; None for all others."""
    if name.startswith("."):
        return "hidden (a dot in front of its name)"
    return "left behind by a system or a viewer" if name.lower() in LITTER else None


@dataclass
class _Walk:
    root: Path
    deepest: int | None
    images: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    links: deque[str] = field(default_factory=deque)
    """Links to folders that were found and not yet followed: all real folders come first."""
    seen: dict[tuple[int, int | str], str] = field(default_factory=dict)
    """Device and inode of every folder that was entered, and under which path; where a file system numbers
    none, its real path."""

    def note(self, why: Why, path: str, reason: str) -> None:
        self.left_out.append(LeftOut(path, reason, why))

    def enter(self, top: str) -> None:
        """Take in the folder `top` and the real folders below it, but none that was entered before."""
        waiting = [top]
        while waiting:
            folder = waiting.pop()
            below = []
            for entry in self._entries(folder):
                path = f"{folder}/{entry.name}" if folder else entry.name
                if self._take(path, entry):
                    below.append(path)
            waiting += reversed(below)

    def _entries(self, folder: str) -> list[os.DirEntry[str]]:
        """What lies in a folder, sorted; nothing where it was entered under another name."""
        try:
            status = (self.root / folder).stat()
            place = (status.st_dev, status.st_ino or os.path.realpath(self.root / folder))
            if there := self.seen.get(place):
                self.note(Why.TWICE, folder, f"leads to {printable(there)}, which is there already")
                return []
            with os.scandir(self.root / folder) as entries:
                found = sorted(entries, key=lambda entry: sort_key(entry.name))
        except (OSError, ValueError) as problem:
            reason = f"cannot be listed ({getattr(problem, 'strerror', None) or problem})"
            if not folder:
                message = f"{printable(str(self.root))}: {reason}"
                raise FacezooError(message, "Give a folder with images in it.") from problem
            self.note(Why.UNLISTED, folder, reason)
            return []
        self.seen[place] = folder or "the whole folder"
        self.folders += [folder] if folder else []
        return found

    def _take(self, path: str, entry: os.DirEntry[str]) -> bool:
        """Note what an entry is; True for a folder that is to be entered at once."""
        if reason := passed_over(entry.name):
            self.note(Why.PASSED_OVER, path, reason)
            return False
        try:
            if not entry.is_dir():
                self._file(path, entry)
            elif self.deepest is not None and path.count("/") >= self.deepest:
                self.note(Why.TOO_DEEP, path, "a folder inside an identity's folder")
            elif entry.is_symlink():
                self.links.append(path)
            else:
                return True
        except FileNotFoundError:
            self.note(Why.UNUSABLE, path, "a link that leads nowhere")
        except OSError as problem:
            self.note(Why.UNUSABLE, path, f"cannot be looked at ({problem.strerror})")
        return False

    def _file(self, path: str, entry: os.DirEntry[str]) -> None:
        regular = entry.is_file()
        if not regular and entry.is_symlink():
            entry.stat()  # FileNotFoundError where it leads nowhere
        if is_image(entry.name):
            if regular:
                self.images.append(path)
            else:
                self.note(Why.UNUSABLE, path, not_regular(entry.stat().st_mode) or "not a regular file")
        elif reason := why_not(entry.name):
            self.note(Why.OTHER_FORMAT, path, reason)
        else:
            self.note(Why.NO_IMAGE, path, "not an image by its name")
