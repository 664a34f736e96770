"""From a text such as `data.path` to the images of the source that it means."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

from facezoo._words import did_you_mean, listed, printable
from facezoo.data.images import Images
from facezoo.data.pairs import OwnPairs
from facezoo.disk.paths import whence
from facezoo.errors import FacezooError
from facezoo.registry.entries import DATA, installed_plugins
from facezoo.registry.loading import broken
from facezoo.registry.sources import KIND, SOURCES, Source, meant_by


def find_source(text: str) -> Source:
    """The installed source that a text means: by its name (`name`, `dist:name`, `name:rest`), or the one that
    claims this path.

    Raises FacezooError where no source is meant, or several claim the path.
    """
    found = meant_by(text)
    if len(found) != 1:
        raise _several(text, found) if found else _nowhere(text)
    return _mentioned(text, found[0])


def open_faces(text: str) -> Images:
    """The images with identities that a text means, to train on; nothing is decoded.

    Raises FacezooError as `find_source` does, and where the source fails, or has no identities.
    """
    source = find_source(text)
    images = _opened(source, source.spec.open)
    if not len(images.identities) or len(images.labels) != len(images):
        trouble = f"gave {len(images.labels):,} labels of {len(images):,} images"
        raise broken(source.entry, KIND, f"{trouble} and {len(images.identities):,} identities")
    return images


def open_all(text: str) -> Images:
    """All images that a text means, whoever they show: a folder's at any depth; otherwise as `open_faces`."""
    source = find_source(text)
    return _opened(source, source.spec.open_all or source.spec.open)


def own_pairs(text: str) -> OwnPairs | None:
    """The pairs that the source brings that a text means; None where it brings none, or none is meant."""
    found = meant_by(text)
    if len(found) != 1 or not found[0].spec.pairs:
        return None
    source = _mentioned(text, found[0])
    pairs = _called(source, source.spec.pairs)
    if not isinstance(pairs, OwnPairs):
        raise broken(source.entry, KIND, f"gave a {type(pairs).__name__} as its pairs, not OwnPairs")
    return pairs


def _mentioned(text: str, source: Source) -> Source:
    """The source; a folder of its name could be meant as well, so a warning says which of them is."""
    if not source.rest and Path(text).is_dir():
        message = f"`{text}` means {source.spec.summary}; the folder of that name is ./{text}"
        warnings.warn(message, stacklevel=4)
    return source


def _opened(source: Source, function: str) -> Images:
    images = _called(source, function)
    if lacking := [name for name in ("names", "labels", "identities", "place") if not hasattr(images, name)]:
        trouble = f"gave a {type(images).__name__} without {', '.join(lacking)}, not Images"
        raise broken(source.entry, KIND, trouble)
    return images  # type: ignore[return-value]  # what it does not do shows where it is asked for


def _called(source: Source, function: str) -> object:
    trouble = f"cannot open {printable(source.rest) or 'its images'}"
    return SOURCES.call(source.entry, function, source.rest, trouble)


def _several(path: str, found: list[Source]) -> FacezooError:
    names = " and ".join(source.entry.qualified for source in found)
    choices = " or ".join(f"{source.entry.name}:{path}" for source in found)
    message = f"{printable(path)}: {names} say that it is theirs"
    return FacezooError(message, f"Say which reads it: {printable(choices)}.")


def _nowhere(path: str) -> FacezooError:
    names = sorted({entry.name for entry in installed_plugins(DATA) if entry.status == "ok"})
    hint = f"Give a folder of identity folders, or one of the installed sources: {listed(names)}."
    if os.path.exists(path):  # noqa: PTH110  # Path.exists raises for names that are too long
        return FacezooError(f"data folder {printable(path)}: is a file that no source reads", hint)
    near = did_you_mean(Path(path).name, names)
    return FacezooError(f"data folder {printable(path)}: does not exist{whence(path)}{near}", hint)
