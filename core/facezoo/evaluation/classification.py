"""Uniform accuracy and geometry of a run on images of the identities that it was trained on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from facezoo.data.faces import FaceSet, ImageFiles, printable
from facezoo.data.fingerprint import same_data
from facezoo.data.sources import find_faces, open_training
from facezoo.data.store import open_store
from facezoo.errors import FacezooError
from facezoo.evaluation.angles import Geometry, geometry
from facezoo.evaluation.class_scores import cosines_to_classes
from facezoo.evaluation.embedding import embed
from facezoo.evaluation.files import EmbeddingSet
from facezoo.evaluation.network import Network
from facezoo.evaluation.scoring import MEMORY
from facezoo.evaluation.uniform import UniformAccuracy, uniform_accuracy


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
    network: Network, data: str, *, training: str | None = None, flip: bool | None = None
) -> Classification:
    """Figures of the images in `data`, a folder of identity folders named as the training identities.

    `training` is where the training images lie now, if not where the run found them: their folders' names,
    sorted, are the classes. Raises FacezooError where those are not the run's, or no identity is known.
    """
    classes = {name: number for number, name in enumerate(_training_identities(network, training))}
    faces = find_faces(data, network.preprocessing.fit).faces
    known = np.array([name in classes for name in faces.identities], np.bool_)
    chosen = np.flatnonzero(known[faces.labels])
    if not len(chosen):
        message = f"{printable(data)}: none of its {len(faces.identities):,} identities was trained on"
        raise FacezooError(message, f"Trained on were {', '.join(map(printable, list(classes)[:3]))}, ...")
    labels = np.array([classes[faces.identities[faces.labels[image]]] for image in chosen], np.int64)
    rows = _embeddings(network, faces, chosen, flip)
    own, other = cosines_to_classes(network.loss, rows, labels)
    return Classification(
        uniform=uniform_accuracy(own, other, labels, network.loss.threshold),
        geometry=geometry(rows, labels),
        strangers=int((~known).sum()),
        trained_on=same_data(faces, network.metadata["data"]),
    )


def geometry_of_folder(network: Network, data: str, *, flip: bool | None = None) -> Geometry:
    """Angles within and between the identities of a folder, whoever they are."""
    faces = find_faces(data, network.preprocessing.fit).faces
    return geometry(_embeddings(network, faces, np.arange(len(faces)), flip), faces.labels)


def geometry_of_embeddings(embeddings: EmbeddingSet) -> Geometry:
    """Angles of embeddings whose images' nearest folders are their identities."""
    folders = [path.rpartition("/")[0] for path in embeddings.paths]
    if len(set(folders)) < 2:
        message = f"{embeddings.name}: its images do not lie in folders of identities"
        raise FacezooError(message, f"Its paths are like {printable(embeddings.paths[0])!r}.")
    return geometry(embeddings.rows, np.unique(folders, return_inverse=True)[1])


def _training_identities(network: Network, training: str | None) -> tuple[str, ...]:
    data = network.config["data"]
    path = training or data["path"]
    faces, saved = find_faces(path, data["fit"]).faces, network.metadata["data"]
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
    return faces.identities


def _embeddings(
    network: Network, faces: FaceSet, chosen: npt.NDArray[np.int64], flip: bool | None
) -> npt.NDArray[np.float32]:
    images = ImageFiles(faces.root, tuple(faces.paths[image] for image in chosen.tolist()))
    contract, evaluate = network.preprocessing, network.evaluate
    store = open_store(images, contract.size, MEMORY, fit=contract.fit)
    for image, reason in store.unreadable.items():
        message = f"{printable(images.paths[image])}: {reason} ({len(store.unreadable):,} such images)"
        raise FacezooError(message, "Mend or remove these files; nothing stands in for them.")
    flip = evaluate.flip if flip is None else flip
    return embed(network.backbone, store, contract, batch_size=evaluate.batch_size, flip=flip)
