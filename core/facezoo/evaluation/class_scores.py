"""The two numbers a sample that uniform accuracy needs, without a matrix of samples and classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from facezoo.engine.batch import Batch
from facezoo.engine.layout import Streamed
from facezoo.engine.scores import Scores
from facezoo.errors import FacezooError
from facezoo.evaluation.archives import read_arrays
from facezoo.evaluation.uniform import UniformAccuracy, uniform_accuracy
from facezoo.loss import HeadLoss

Floats = npt.NDArray[np.float64]
_ROWS = 256


def cosines_to_classes(
    loss: HeadLoss, embeddings: npt.NDArray[np.floating], labels: npt.NDArray[np.int64]
) -> tuple[Floats, Floats]:
    """Cosine of each embedding [M, D] to its own prototype, and the largest to the others: float64 [M] each.

    Classes stream through the engine, so no M x C or B x C matrix is made; of sub-centres the nearest counts.
    """
    layout = Streamed()
    weight = loss.prototypes.weight
    own, other = [], []
    with torch.no_grad():
        for start in range(0, len(embeddings), _ROWS):
            part = slice(start, start + _ROWS)
            rows = torch.from_numpy(np.ascontiguousarray(embeddings[part])).to(weight)
            batch = Batch(rows, torch.from_numpy(labels[part]).to(weight.device), 0, layout)
            scores = Scores(layout.learned(loss.prototypes), batch.unit, batch.labels)
            own.append(scores.target.double().cpu().numpy())
            other.append(scores.max().double().cpu().numpy())
    return np.concatenate(own), np.concatenate(other)


def of_matrix(scores: npt.NDArray[np.floating], labels: npt.NDArray[np.integer]) -> tuple[Floats, Floats]:
    """Score of each sample's own class and the largest of the others, from any classifier's scores [M, C].

    Raises FacezooError where shapes do not fit or a label is no column.
    """
    if scores.ndim != 2 or labels.shape != scores.shape[:1] or scores.shape[1] < 2:
        message = f"scores {scores.shape} and labels {labels.shape} do not fit"
        raise FacezooError(message, "Give scores [samples, classes] and as many labels as samples.")
    if len(labels) and not 0 <= labels.min() <= labels.max() < scores.shape[1]:
        message = f"labels run from {labels.min()} to {labels.max()}, with {scores.shape[1]} classes"
        raise FacezooError(message, "A label is the number of a column of the scores, from 0.")
    own, other = np.empty(len(labels)), np.empty(len(labels))
    for start in range(0, len(labels), _ROWS):
        part = scores[start : start + _ROWS].astype(np.float64)
        rows, columns = np.arange(len(part)), labels[start : start + _ROWS]
        own[start : start + _ROWS] = part[rows, columns]
        part[rows, columns] = -np.inf
        other[start : start + _ROWS] = part.max(1)
    return own, other


def uniform_of_file(path: Path) -> UniformAccuracy:
    """Uniform accuracy of any classifier, from an npz with `score` [M, C] and `label` [M].

    `threshold`, a number, is the one that the classifier learned, if it is there. Raises FacezooError where
    the file cannot be read or the arrays do not fit.
    """
    layout = "Give an .npz with `score` (numbers [samples, classes]) and `label` (integers [samples])."
    arrays = read_arrays(path, ("score", "label"), layout, optional=("threshold",))
    scores, labels = arrays["score"], arrays["label"]
    if scores.dtype.kind not in "fiu" or labels.dtype.kind not in "iu":
        raise FacezooError(f"{path}: score is {scores.dtype}, label {labels.dtype}", layout)
    learned = float(arrays["threshold"]) if "threshold" in arrays else None
    return uniform_accuracy(*of_matrix(scores, labels), labels, learned)
