"""Images and pairs: where they come from, and how they become batches.

`FaceSet` names the images of identities, `Pairs` the pairs of a verification protocol; both are only lists of
files. A store decodes them (once into memory, or on the fly beyond a budget), `batches` puts them in an order
that is a function of (seed, epoch) and augments each as a function of (seed, epoch, image), so that a run
resumed at any step sees exactly what the uninterrupted run would have seen.
"""

from __future__ import annotations

from facezoo.data.augment import Augmentation
from facezoo.data.batches import Batches
from facezoo.data.faces import FaceSet, ImageFiles, LeftOut
from facezoo.data.folder import read_folder
from facezoo.data.pairs import Pairs, read_pairs
from facezoo.data.preprocessing import Preprocessing
from facezoo.data.sources import TestPairs, TrainingFaces, open_pairs, open_training
from facezoo.data.store import Store, open_store

__all__ = [
    "Augmentation",
    "Batches",
    "FaceSet",
    "ImageFiles",
    "LeftOut",
    "Pairs",
    "Preprocessing",
    "Store",
    "TestPairs",
    "TrainingFaces",
    "open_pairs",
    "open_store",
    "open_training",
    "read_folder",
    "read_pairs",
]
