"""facezoo's own source of images, as it is registered in the group `facezoo.data`."""

from __future__ import annotations

import os
from typing import Final

from facezoo.registry.sources import SourceSpec

folder: Final = SourceSpec(
    name="folder",
    summary="a folder of identity folders, one for each person, with that person's images in it",
    open="facezoo.data.folder:open_folder",
    open_all="facezoo.data.folder:open_below",
    claims=os.path.isdir,  # Path.is_dir raises for names that are too long
)

orl: Final = SourceSpec(
    name="orl",
    summary="the embedded AT&T/ORL faces: 300 images of 30 people, and all pairs of 100 images of 10 others",
    open="facezoo.data.orl:training_faces",
    open_all="facezoo.data.orl:all_faces",
    pairs="facezoo.data.orl:held_out_pairs",
    recipe={
        "data": {"crop": 0.8, "jitter": 0.3, "erase": 0.5},
        "train": {"epochs": 60},
        "optimizer": {"weight_decay": 5e-3, "warmup_epochs": 1.0},
    },
    preset="small",
    default=True,
)
