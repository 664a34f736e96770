"""Images and pairs: where they come from, and how they become batches.

`Images` is what every source gives, `Pairs` the pairs of a verification protocol. A store decodes images
(once into memory, or on the fly beyond a budget), `batches` puts them in an order that is a function of
(seed, epoch) and augments each as a function of (seed, epoch, image), so that a run resumed at any step sees
exactly what the uninterrupted run would have seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from facezoo._lazy import lazy_names
from facezoo.registry.sources import SourceSpec

if TYPE_CHECKING:
    from facezoo.data.augment import Augmentation
    from facezoo.data.batches import Batches
    from facezoo.data.declared import Declared
    from facezoo.data.decode import UnreadableImageError
    from facezoo.data.faces import LeftOut
    from facezoo.data.files import ImageFiles
    from facezoo.data.folder import read_folder
    from facezoo.data.images import Images
    from facezoo.data.pairs import OwnPairs, Pairs, read_pairs
    from facezoo.data.preprocessing import Preprocessing
    from facezoo.data.sources import TrainingFaces, open_training
    from facezoo.data.store import Store, open_store

__all__ = [
    "Augmentation",
    "Batches",
    "Declared",
    "ImageFiles",
    "Images",
    "LeftOut",
    "OwnPairs",
    "Pairs",
    "Preprocessing",
    "SourceSpec",
    "Store",
    "TrainingFaces",
    "UnreadableImageError",
    "open_store",
    "open_training",
    "read_folder",
    "read_pairs",
]

# a source's record is imported without numpy and Pillow, which come with the first of these
__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "Augmentation": "facezoo.data.augment",
        "Batches": "facezoo.data.batches",
        "Declared": "facezoo.data.declared",
        "ImageFiles": "facezoo.data.files",
        "Images": "facezoo.data.images",
        "LeftOut": "facezoo.data.faces",
        "OwnPairs": "facezoo.data.pairs",
        "Pairs": "facezoo.data.pairs",
        "Preprocessing": "facezoo.data.preprocessing",
        "Store": "facezoo.data.store",
        "TrainingFaces": "facezoo.data.sources",
        "UnreadableImageError": "facezoo.data.decode",
        "open_store": "facezoo.data.store",
        "open_training": "facezoo.data.sources",
        "read_folder": "facezoo.data.folder",
        "read_pairs": "facezoo.data.pairs",
    },
)
