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
