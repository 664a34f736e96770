"""Uniform accuracy and geometry of a run on images of the identities that it was trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from facezoo.data.faces import printable
from facezoo.data.fingerprint import same_data
from facezoo.data.images import Chosen, Images
from facezoo.data.opening import open_faces
from facezoo.data.sources import open_training
from facezoo.data.store import open_store
from facezoo.errors import FacezooError
from facezoo.evaluation.angles import Geometry, geometry
from facezoo.evaluation.class_scores import cosines_to_classes
from facezoo.evaluation.embedding import embed
from facezoo.evaluation.enrolment import Failed, settle
from facezoo.evaluation.files import EmbeddingSet
from facezoo.evaluation.scoring import MEMORY
from facezoo.evaluation.uniform import UniformAccuracy, uniform_accuracy
from facezoo.runs.network import Network


@dataclass(frozen=True)
class Classification:
    """Uniform accuracy and geometry of one set of images.

    `strangers` is how many of its identities were not trained on and are left out. `trained_on` says that the
    images are the training images themselves, which makes the figures mean something else.
    """

    uniform: UniformAccuracy
    geometry: Geometry
    strangers: int
    trained_on: bool


def classify(
    network: Network,
    data: str,
    *,
    training: str | None = None,
    flip: bool | None = None,
    failed: Failed | None = None,
) -> Classification:
    """Figures of the images in `data`, a folder of identity folders named as the training identities.

    `training` is where the training images lie now, if not where the run found them: their folders' names,
    sorted, are the classes. Images that failed to enrol count as `failed` says; angles are always of the
    others. Raises FacezooError where the classes are not the run's, no identity is known, images failed and
    nothing is said of them, or training has not moved the class vectors.
    """
    _refuse_untouched(network)
    classes = {name: number for number, name in enumerate(_training_identities(network, training))}
    faces = open_faces(data)
    known = np.array([name in classes for name in faces.identities], np.bool_)
    chosen = np.flatnonzero(known[faces.labels])
    if not len(chosen):
        message = f"{printable(data)}: none of its {len(faces.identities):,} identities was trained on"
        raise FacezooError(message, f"Trained on were {', '.join(map(printable, list(classes)[:3]))}, ...")
    labels = np.array([classes[faces.identities[faces.labels[image]]] for image in chosen], np.int64)
    rows = _embeddings(network, faces, chosen, flip)
    failing = settle(printable(data), rows, [faces.names[image] for image in chosen.tolist()], failed)
    return Classification(
        uniform=_uniform(network, rows, labels, failing, failed),
        geometry=replace(
            geometry(rows[~failing], labels[~failing]),
            failed=int(failing.sum()),
            files_left_out=len(faces.left_out),
        ),
        strangers=int((~known).sum()),
        trained_on=same_data(faces, network.metadata["data"]),
    )


def geometry_of_folder(
    network: Network, data: str, *, flip: bool | None = None, failed: Failed | None = None
) -> Geometry:
    """Angles within and between the identities of a folder, whoever they are.

    Images that failed to enrol have none: they are left out where `failed` is "drop", else FacezooError.
    """
    _refuse_reject(failed)
    faces = open_faces(data)
    rows = _embeddings(network, faces, np.arange(len(faces)), flip)
    found = _geometry(printable(data), rows, faces.labels, faces.names, failed)
    return replace(found, files_left_out=len(faces.left_out))


def geometry_of_embeddings(embeddings: EmbeddingSet, failed: Failed | None = None) -> Geometry:
    """Angles of embeddings whose images' nearest folders are their identities; see `geometry_of_folder`."""
    folders = [path.rpartition("/")[0] for path in embeddings.paths]
    if len(set(folders)) < 2:
        message = f"{embeddings.name}: its images do not lie in folders of identities"
        raise FacezooError(message, f"Its paths are like {printable(embeddings.paths[0])!r}.")
    labels = np.unique(folders, return_inverse=True)[1]
    return _geometry(embeddings.name, embeddings.rows, labels, embeddings.paths, failed)


def _geometry(
    name: str,
    rows: npt.NDArray[np.floating],
    labels: npt.NDArray[np.int64],
    paths: Sequence[str],
    failed: Failed | None,
) -> Geometry:
    _refuse_reject(failed)
    failing = settle(name, rows, paths, failed)
    return replace(geometry(rows[~failing], labels[~failing]), failed=int(failing.sum()))


def _refuse_reject(failed: Failed | None) -> None:
    if failed == "reject":
        message = "--failed reject: an image that failed to enrol has no angle to others"
        raise FacezooError(message, "Say --failed drop, which leaves such images out.")


def _uniform(
    network: Network,
    rows: npt.NDArray[np.float32],
    labels: npt.NDArray[np.int64],
    failing: npt.NDArray[np.bool_],
    failed: Failed | None,
) -> UniformAccuracy:
    loss = network.loss
    own, other = np.zeros(len(rows)), np.zeros(len(rows))
    own[~failing], other[~failing] = cosines_to_classes(loss, rows[~failing], labels[~failing])
    kept = ~failing if failed == "drop" else np.ones(len(rows), np.bool_)
    found = uniform_accuracy(own[kept], other[kept], labels[kept], loss.threshold, failed=failing[kept])
    return replace(found, failed=int(failing.sum()))


def _refuse_untouched(network: Network) -> None:
    """Class vectors as the seed put them say nothing about classes, whatever figures they would give."""
    if network.loss.prototypes.untouched(network.loss.context.seed):
        message = f"{network.checkpoint}: head {network.loss.name!r} has not trained its class vectors"
        raise FacezooError(
            f"{message}: all point where the seed put them, and no image is told by them",
            "--protocol geometry needs no class vectors.",
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


def _embeddings(
    network: Network, faces: Images, chosen: npt.NDArray[np.int64], flip: bool | None
) -> npt.NDArray[np.float32]:
    images = Chosen(faces, chosen)
    contract, evaluate = network.preprocessing, network.evaluate
    store = open_store(images, contract.size, MEMORY, fit=contract.fit)
    for image, reason in store.unreadable.items():
        message = f"{printable(images.names[image])}: {reason} ({len(store.unreadable):,} such images)"
        raise FacezooError(message, "Mend or remove these files; nothing stands in for them.")
    flip = evaluate.flip if flip is None else flip
    return embed(network.backbone, store, contract, batch_size=evaluate.batch_size, flip=flip)
