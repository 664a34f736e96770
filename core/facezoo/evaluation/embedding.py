"""Embeddings of a set of images, and the cosines of its pairs."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from facezoo.backbones import embeddings_of
from facezoo.data.batches import in_order
from facezoo.data.pairs import Pairs
from facezoo.data.preprocessing import Preprocessing
from facezoo.data.store import Store
from facezoo.evaluation import arguments, enrolment


def embed(
    backbone: nn.Module, store: Store, preprocessing: Preprocessing, *, batch_size: int, flip: bool
) -> npt.NDArray[np.float32]:
    """Raw embeddings of all images of a store, float32 [N, dim], in float32 arithmetic.

    With `flip` each is the sum of the embeddings of the image and of its mirror image. The backbone is put
    into evaluation mode for it and then back into the mode it was in. Rows of images that the network gives
    no direction are returned as they are; figures refuse them.
    """
    arguments.whole("batch_size", batch_size, 1)
    device = next(backbone.parameters()).device
    was_training = backbone.training
    backbone.eval()
    try:
        with torch.inference_mode(), torch.autocast(device.type, enabled=False):
            rows = [
                _embedded(backbone, preprocessing.to_input(pixels, device), flip)
                for pixels in in_order(store, batch_size)
            ]
    finally:
        backbone.train(was_training)
    return np.concatenate(rows)


def embed_pixels(
    backbone: nn.Module, pixels: npt.NDArray[np.uint8], preprocessing: Preprocessing, *, flip: bool
) -> npt.NDArray[np.float32]:
    """Raw embeddings of one batch of pixels uint8 [B, size, size, 3], float32 [B, dim]; see `embed`.

    The backbone must be in evaluation mode.
    """
    device = next(backbone.parameters()).device
    with torch.inference_mode(), torch.autocast(device.type, enabled=False):
        return _embedded(backbone, preprocessing.to_input(pixels, device), flip)


def _embedded(backbone: nn.Module, images: torch.Tensor, flip: bool) -> npt.NDArray[np.float32]:
    embeddings = embeddings_of(backbone, images)
    if flip:
        embeddings = embeddings + embeddings_of(backbone, images.flip(3))
    numbers: npt.NDArray[np.float32] = embeddings.float().cpu().numpy()
    return numbers


def pair_cosines(embeddings: npt.ArrayLike, pairs: Pairs) -> npt.NDArray[np.float64]:
    """The cosine of each pair's embeddings, float64 [P], from embeddings [N, D].

    Raises FacezooError for another shape, for pairs of images that are not there, and where an embedding is
    zero or not finite: it has no direction.
    """
    arguments.of_kind("pairs", pairs, Pairs)
    return cosines_of(enrolment.unit_rows(embeddings), pairs)


def cosines_of(unit: npt.NDArray[np.float64], pairs: Pairs) -> npt.NDArray[np.float64]:
    """`pair_cosines` of unit vectors."""
    for side in ("left", "right"):
        arguments.numbers_below(side, getattr(pairs, side), len(unit), "images")
    cosines = np.empty(len(pairs))
    for start in range(0, len(pairs), 65_536):  # bounds the copies of rows that indexing makes
        part = slice(start, start + 65_536)
        cosines[part] = np.einsum("pd,pd->p", unit[pairs.left[part]], unit[pairs.right[part]])
    return cosines
