"""Uniform accuracy and geometry of a run on images of the identities that it was trained on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from facezoo._words import printable
from facezoo.benchmarks import Given, Main, Options, Result, Row, Table, Times, Units
from facezoo.benchmarks.labelled import left_out_notes
from facezoo.data.fingerprint import same_data
from facezoo.data.images import Chosen, Images
from facezoo.data.opening import open_faces
from facezoo.data.sources import open_training
from facezoo.errors import FacezooError
from facezoo.evaluation.enrolment import settle
from facezoo.evaluation.files import EmbeddingSet
from facezoo_uniform.accuracy import UniformAccuracy, replicates
from facezoo_uniform.angles import Geometry, geometry
from facezoo_uniform.angles_benchmark import angles_table
from facezoo_uniform.class_scores import ClassScores, cosines_to_classes, read_scores

if TYPE_CHECKING:
    from facezoo.runs.network import Network

Floats = npt.NDArray[np.float64]


def open_uniform(given: Given) -> UniformBenchmark | ScoresBenchmark:
    """Images of identities that a run was trained on, or a file of any classifier's scores.

    Their folders are named as the training identities: those folders' names, sorted, are the classes, and
    others are left out. Raises FacezooError where the classes are not the run's any more, no identity is
    known, or training has not moved the class vectors.
    """
    if given.network is None and given.embeddings is None and given.path is not None:
        return ScoresBenchmark(Path(given.path), given.options)
    network = given.trained("uniform")
    _refuse_untouched(network)
    classes = {name: number for number, name in enumerate(_training_identities(network, given.training))}
    found = given.faces("uniform")
    images = found.images
    assert not isinstance(images, EmbeddingSet)
    known = np.array([name in classes for name in found.identities], np.bool_)
    chosen = np.flatnonzero(known[found.labels])
    name = given.name_of(found.images)
    if not len(chosen):
        message = f"{name}: none of its {len(found.identities):,} identities was trained on"
        raise FacezooError(message, f"Trained on were {', '.join(map(printable, list(classes)[:3]))}, ...")
    return UniformBenchmark(
        name=name,
        images=Chosen(images, chosen),
        labels=np.array([classes[found.identities[found.labels[image]]] for image in chosen], np.int64),
        network=network,
        options=given.options,
        strangers=int((~known).sum()),
        left_out=found.left_out,
        trained_on=same_data(images, network.metadata["data"]),
    )


@dataclass(frozen=True, eq=False, kw_only=True)
class UniformBenchmark:
    """Images of training identities, whose numbers are `labels` int64 [N].

    `strangers` counts the identities that are left out for they were not trained on. `trained_on` says that
    the images are the training images themselves, which makes the figures mean something else.
    """

    name: str
    images: Images
    labels: npt.NDArray[np.int64]
    network: Network
    options: Options
    strangers: int
    left_out: int
    trained_on: bool
    remarks: Sequence[str] = ()

    def evaluate(self, embeddings: npt.NDArray[np.floating]) -> UniformResult:
        """See `Benchmark`. Images that failed to enrol count as the options say; angles are of the others."""
        failing = settle(self.name, embeddings, self.images.names, self.options.failed)
        own, other = np.full(len(embeddings), -np.inf), np.zeros(len(embeddings))
        own[~failing], other[~failing] = cosines_to_classes(
            self.network.loss, embeddings[~failing], self.labels[~failing]
        )
        angles = geometry(embeddings[~failing], self.labels[~failing])
        return UniformResult(
            self.name,
            ClassScores(own, other, self.labels, self.network.loss.threshold, failing),
            self.options,
            replace(angles, failed=int(failing.sum()), files_left_out=self.left_out),
            strangers=self.strangers,
            trained_on=self.trained_on,
        )


@dataclass(frozen=True, eq=False)
class ScoresBenchmark:
    """A classifier's scores in a file, which need no embeddings."""

    path: Path
    options: Options
    remarks: Sequence[str] = ()

    @property
    def name(self) -> str:
        """See `Benchmark`."""
        return self.path.name

    @property
    def images(self) -> EmbeddingSet:
        """None."""
        return EmbeddingSet(self.path.name, (), np.empty((0, 0), np.float32))

    def evaluate(self, embeddings: npt.NDArray[np.floating]) -> UniformResult:
        """The figures of the file; see `read_scores`."""
        found = read_scores(self.path, distances=self.options.distances, failed=self.options.failed)
        return UniformResult(self.path.name, found, self.options)


class UniformResult(Result):
    """Uniform accuracy, and the angles of the same images where there are embeddings of them."""

    def __init__(
        self,
        name: str,
        scores: ClassScores,
        options: Options,
        angles: Geometry | None = None,
        *,
        strangers: int = 0,
        trained_on: bool = False,
    ) -> None:
        self.name, self.geometry = name, angles
        self.strangers, self.trained_on = strangers, trained_on
        self._options = options
        self._scores = scores.kept(options.failed)
        self.uniform: UniformAccuracy = replace(self._scores.accuracy(), failed=int(scores.failing.sum()))
        self.units = Units(self.uniform.classes)

    @property
    def main(self) -> Main:
        """The share told apart by one threshold."""
        return Main("uni", self.uniform.uni)

    @property
    def figures(self) -> Mapping[str, Any]:
        """See `Result`."""
        return self.uniform.as_dict()

    def weighted(self, times: Times) -> Mapping[str, Floats]:
        """The three shares; see `Result`."""
        scores = self._scores
        return replicates(scores.own, scores.other, np.unique(scores.labels, return_inverse=True)[1], times)

    @property
    def table(self) -> Table:
        """See `Result`."""
        found = self.uniform
        threshold = "" if found.threshold is None else f", {found.threshold:.4f}"
        rows = [
            Row("A_uni", found.uni, note=f"one threshold for all{threshold}"),
            Row("A_class", found.by_class, note="the best threshold of each identity"),
            Row("A_sample", found.by_sample, note="no threshold: own identity above all others"),
        ]
        title = f"uniform classification: {found.samples:,} images of {found.classes:,} identities"
        return Table(title, rows, ("%", "figure"), notes=list(self._notes()))

    def as_dict(self) -> dict[str, Any]:
        """See `Result`."""
        if self.geometry is None:
            return {"uniform": self.uniform.as_dict()}
        content = {"uniform": self.uniform.as_dict(), "geometry": self.geometry.as_dict()}
        return {**content, "strangers": self.strangers, "trained_on": self.trained_on}

    def _notes(self) -> Iterator[str]:
        found = self.uniform
        if found.gap is not None and found.learned is not None:
            yield f"the loss learned the threshold {found.learned:.4f}: {found.gap:.4f} away"
        rejected = "which count as told apart by no threshold, and have no angles"
        became = rejected if self._options.failed == "reject" else "which are left out"
        files = self.geometry.files_left_out if self.geometry else 0
        yield from left_out_notes(found.failed, files, became)
        if self.strangers:
            yield f"left out: {self.strangers:,} identities that were not trained on"
        if self.trained_on:
            yield "these are the training images: the figures show how well they are learned, no more"
        if self.geometry is not None:
            yield from angles_table(self.geometry).lines()


def _refuse_untouched(network: Network) -> None:
    """Class vectors as the seed put them say nothing about classes, whatever figures they would give."""
    if network.loss.prototypes.untouched(network.loss.context.seed):
        message = f"{network.checkpoint}: head {network.loss.name!r} has not trained its class vectors"
        raise FacezooError(
            f"{message}: all point where the seed put them, and no image is told by them",
            "--benchmark geometry needs no class vectors.",
        )


def _training_identities(network: Network, training: str | None) -> tuple[str, ...]:
    data = network.config["data"]
    path = training or data["path"]
    faces, saved = open_faces(path), network.metadata["data"]
    if not same_data(faces, saved):
        # training takes out images that do not decode, and identities left without one
        memory = data["memory_mib"] * 2**20
        faces = open_training(path, data["size"], memory, fit=data["fit"], cache=data["cache"]).faces
    if not same_data(faces, saved):
        message = (
            f"{printable(path)}: not what the run was trained on ({len(faces.identities):,} identities, "
            f"{len(faces):,} images; then {saved['identities']:,} and {saved['images']:,})"
        )
        raise FacezooError(message, "Say where the training images are: --training FOLDER.")
    return tuple(faces.identities)
