"""The two numbers a sample that uniform accuracy needs, without a matrix of samples and classes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from facezoo._words import printable
from facezoo.errors import FacezooError
from facezoo.evaluation import arguments
from facezoo.evaluation.archives import one_number, read_arrays
from facezoo.evaluation.direction import refuse_area
from facezoo.evaluation.enrolment import Failed, settle
from facezoo.loss import HeadLoss
from facezoo_uniform.accuracy import UniformAccuracy, uniform_accuracy

Floats = npt.NDArray[np.float64]
_ROWS = 256


def cosines_to_classes(
    loss: HeadLoss, embeddings: npt.NDArray[np.floating], labels: npt.NDArray[np.int64]
) -> tuple[Floats, Floats]:
    """Cosine of each embedding [M, D] to its own prototype, and the largest to the others: float64 [M] each.

    Classes stream through the engine, so no M x C or B x C matrix is made; of sub-centres the nearest counts.
    """
    weight = loss.prototypes.weight
    own, other = [], []
    with torch.no_grad():
        for start in range(0, len(embeddings), _ROWS):
            part = slice(start, start + _ROWS)
            rows = torch.from_numpy(np.ascontiguousarray(embeddings[part])).to(weight)
            scores = loss.scores(rows, torch.from_numpy(labels[part]))
            own.append(scores.target.double().cpu().numpy())
            other.append(scores.max().double().cpu().numpy())
    return np.concatenate(own), np.concatenate(other)


def of_matrix(scores: npt.ArrayLike, labels: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Score of each sample's own class and the largest of the others, from any classifier's scores [M, C].

    Raises FacezooError where shapes do not fit, a label is no column, or the AUC of own against other classes
    is below 0.2: then they are distances.
    """
    matrix = arguments.matrix(scores)
    columns = arguments.numbers_below("labels", labels, matrix.shape[1], "classes")
    arguments.together(scores=matrix, labels=columns)
    own, other, beaten = np.empty(len(columns)), np.empty(len(columns)), 0.0
    for start in range(0, len(columns), _ROWS):
        place = slice(start, start + _ROWS)
        part, rows = matrix[place].astype(np.float64), np.arange(len(matrix[place]))
        own[place] = part[rows, columns[place]]
        part[rows, columns[place]] = np.nan  # neither below nor equal to anything
        mine = own[place, None]
        beaten += float((part < mine).sum() + (part == mine).sum() / 2)
        part[rows, columns[place]] = -np.inf
        other[place] = part.max(1)
    if np.isfinite(own).all() and len(own):
        refuse_area(beaten / (len(own) * (matrix.shape[1] - 1)), "own classes score lower than others")
    return own, other


@dataclass(frozen=True, eq=False)
class ClassScores:
    """Per sample, [M] each: the score of its own class, the largest of the others, its class, and whether it
    failed to enrol. `learned` is the threshold that the classifier learned, if it has one.
    """

    own: Floats
    other: Floats
    labels: npt.NDArray[np.integer]
    learned: float | None
    failing: npt.NDArray[np.bool_]

    def kept(self, failed: Failed | None) -> ClassScores:
        """The samples that count: all, or without those that failed where `failed` is "drop"."""
        some = ~self.failing if failed == "drop" else np.ones(len(self.own), np.bool_)
        columns = (self.own[some], self.other[some], self.labels[some])
        return ClassScores(*columns, self.learned, self.failing[some])

    def accuracy(self) -> UniformAccuracy:
        """Uniform accuracy of these samples; no threshold tells those apart that failed."""
        return uniform_accuracy(self.own, self.other, self.labels, self.learned, failed=self.failing)


def read_scores(path: Path, *, distances: bool = False, failed: Failed | None = None) -> ClassScores:
    """Any classifier's scores, from an npz with `score` [M, C] and `label` [M].

    `threshold`, a number, is the one that the classifier learned, if it is there. With `distances` the scores
    (and the threshold) are distances, and -distance is returned. Rows that are zero or not finite are of
    samples that failed to enrol, which `failed` must be said of. Raises FacezooError where the file cannot be
    read, the arrays do not fit, or samples failed and nothing is said of them.
    """
    layout = "Give an .npz with `score` (numbers [samples, classes]) and `label` (integers [samples])."
    arrays = read_arrays(path, ("score", "label"), layout, optional=("threshold",))
    scores, labels = arrays["score"], arrays["label"]
    where = printable(str(path))
    if scores.dtype.kind not in "fiu" or labels.dtype.kind not in "iu":
        raise FacezooError(f"{where}: score is {scores.dtype}, label {labels.dtype}", layout)
    said = arrays.get("threshold")
    learned = None if said is None else one_number(said, f"{where}: threshold", layout)
    matrix = arguments.matrix(scores)
    if distances:
        matrix, learned = -matrix, None if learned is None else -learned
    arguments.together(scores=matrix, labels=labels)
    rows = [f"row {row}" for row in range(len(matrix))]
    failing = settle(path.name, matrix, rows, failed, things="rows of scores")
    own, other = np.full(len(matrix), -np.inf), np.zeros(len(matrix))
    own[~failing], other[~failing] = of_matrix(matrix[~failing], labels[~failing])
    return ClassScores(own, other, labels, learned, failing)
