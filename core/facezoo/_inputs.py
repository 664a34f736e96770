"""What a training loop gives to a loss, checked: a mistake of its own is not told as one of the head's."""

from __future__ import annotations

from numbers import Integral

import torch
from torch import Tensor

from facezoo._words import shown
from facezoo.errors import FacezooError


class NotFiniteError(FacezooError):
    """Embeddings hold NaN or infinity."""


def check_problem(classes: object, dim: object) -> None:
    """FacezooError unless a loss can have so many classes and dimensions."""
    hint = "classes is the number of identities, dim the embedding size"
    for name, number in (("classes", classes), ("dim", dim)):
        if not isinstance(number, Integral) or isinstance(number, bool):
            raise FacezooError(f"{name}: must be a whole number; it is {shown(number)}", hint)
        if int(number) < (2 if name == "classes" else 1):
            message = (
                f"a loss needs at least 2 classes and 1 dimension, not {shown(classes)} and {shown(dim)}"
            )
            raise FacezooError(message, hint)


def check_batch(embeddings: object, labels: object, classes: int, dim: int, device: torch.device) -> None:
    """FacezooError unless `embeddings` are floating [B, dim], finite, on `device`, and `labels` [B] integers
    in [0, classes), one or more; NotFiniteError where only finiteness lacks.
    """
    for name, given in (("embeddings", embeddings), ("labels", labels)):
        if not isinstance(given, Tensor):
            message = f"{name}: expected a tensor, got a {type(given).__name__}"
            raise FacezooError(message, "torch.as_tensor(...) makes one.")
    assert isinstance(embeddings, Tensor)
    assert isinstance(labels, Tensor)
    if embeddings.device != device:
        message = f"embeddings: they are on {embeddings.device}, and the loss on {device}"
        raise FacezooError(message, "loss.to(embeddings.device), before the optimiser is made, moves it.")
    if embeddings.ndim != 2 or embeddings.shape[1] != dim or not embeddings.is_floating_point():
        found = f"{tuple(embeddings.shape)} {embeddings.dtype}"
        message = f"embeddings: expected floating [B, {dim}], got {found}"
        raise FacezooError(message, "dim is set when the loss is built")
    _check_labels(labels, len(embeddings), classes)
    if not bool(embeddings.detach().isfinite().all()):
        rows = (~embeddings.detach().isfinite().all(1)).nonzero().flatten().tolist()
        message = (
            f"embeddings: {len(rows)} of {len(embeddings)} rows are not finite, the first is row {rows[0]}"
        )
        raise NotFiniteError(message, "look at the learning rate and the input of those rows")


def _check_labels(labels: Tensor, rows: int, classes: int) -> None:
    kind = labels.dtype
    if labels.shape != (rows,) or not rows or kind.is_floating_point or kind.is_complex or kind == torch.bool:
        found = f"{tuple(labels.shape)} {labels.dtype} for {rows} embeddings"
        raise FacezooError(f"labels: expected one integer per embedding, at least one, got {found}")
    low, high = (int(bound) for bound in labels.aminmax())
    if low < 0 or high >= classes:
        message = f"labels: {low if low < 0 else high} is not a class id of 0 to {classes - 1}"
        raise FacezooError(message, "classes is set in build")
