"""Embed all images of a source into a file, batch by batch: a job that was stopped goes on where it was."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from facezoo.data.decode import Pixels
from facezoo.data.faces import LeftOut, printable, require_listed
from facezoo.data.fingerprint import content_of
from facezoo.data.images import Images
from facezoo.errors import FacezooError
from facezoo.evaluation.embedding import embed_pixels
from facezoo.runs.network import Network
from facezoo.runs.verified import file_digest
from facezoo_embed.image_batches import image_batches
from facezoo_embed.partial import Partial, open_partial, refuse_existing


@dataclass(frozen=True)
class Embedded:
    """How many images have an embedding, and what was left out, each with its reason."""

    images: int
    left_out: tuple[LeftOut, ...]


def embed_images(
    network: Network,
    images: Images,
    out: Path,
    *,
    flip: bool,
    batch_size: int,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Embedded:
    """Embed every image into `out`, an npz with `path` (the names), `embedding` and `about` (JSON).

    At most two batches are in memory. Until it is done, what has been computed lies in the folder
    `OUT.partial`, which one process at a time holds; the same call goes on from there. Images that cannot be
    decoded are left out and returned. `progress` is told how many images of how many are done.

    Raises FacezooError where `out` exists, `OUT.partial` is not this job's, an image cannot be accessed or is
    not of the network's aspect ratio, or nothing can be written: what has been computed stays. An embedding
    that is not finite is an error, too, and nothing stays of it.
    """
    refuse_existing(out)
    require_listed(images.place, images.left_out, "Have the system show it, or give another folder.")
    images.declared.check(network.preprocessing.as_dict(), "the backbone")
    job, width = _job(network, images, flip), network.metadata["backbone"]["dim"]
    with open_partial(out.with_name(f"{out.name}.partial"), job, width) as partial:
        refuse_existing(out)  # another process may just have finished it
        if partial.damaged:
            message = f"{printable(str(partial.folder))}: damaged after {partial.done:,} images"
            warnings.warn(f"{message}; the rest is computed again", stacklevel=2)
        _embed(network, images, partial, flip, batch_size, progress)
        if not partial.paths:
            message = f"none of the {partial.done:,} images can be decoded, such as {partial.left_out[0]}"
            partial.remove()
            raise FacezooError(message, "Give a folder of images that facezoo reads.")
        partial.finish(out)
    return Embedded(len(partial.paths), (*partial.left_out, *images.left_out))


def _job(network: Network, images: Images, flip: bool) -> dict[str, Any]:
    """All that decides the rows; FacezooError where an image is away, which would make it another job."""
    return {
        "checkpoint": printable(str(network.checkpoint)),
        "weights": file_digest(network.checkpoint / "model.safetensors"),
        "preprocessing": network.preprocessing.as_dict(),
        "flip": flip,
        "images": content_of(images, strict=True).sha256,
    }


def _embed(
    network: Network,
    images: Images,
    partial: Partial,
    flip: bool,
    batch_size: int,
    progress: Callable[[int, int], None],
) -> None:
    """Embed the images that are not done yet, batch by batch."""
    progress(partial.done, len(images))
    with closing(image_batches(images, network.preprocessing, partial.done, batch_size)) as batches:
        for batch in batches:
            rows = _rows(network, batch.pixels, flip)
            if not np.isfinite(rows).all():
                partial.remove()
                raise _not_finite(network, batch.paths, rows)
            partial.add(len(batch.paths) + len(batch.unreadable), batch.paths, rows, batch.unreadable)
            progress(partial.done, len(images))


def _rows(network: Network, pixels: Pixels, flip: bool) -> npt.NDArray[np.float32]:
    if not len(pixels):
        return np.empty((0, network.metadata["backbone"]["dim"]), np.float32)
    return embed_pixels(network.backbone, pixels, network.preprocessing, flip=flip)


def _not_finite(network: Network, paths: Sequence[str], rows: npt.NDArray[np.float32]) -> FacezooError:
    wrong = [paths[row] for row in np.flatnonzero(~np.isfinite(rows).all(1)).tolist()]
    others = f" (and {len(wrong) - 1:,} more of this batch)" if len(wrong) > 1 else ""
    message = (
        f"{printable(str(network.checkpoint))}: the embedding of {printable(wrong[0])} is not finite{others}"
    )
    return FacezooError(message, "Its weights are damaged or have diverged: use another checkpoint.")
