"""What a margin does, in a picture: heads are measured like black boxes, and what was found is drawn.

`probe` builds a head at the end of a run and measures it through the head protocol alone; its arrays are
plain numpy. `draw` needs matplotlib, the extra `facezoo[figures]`.
"""

from __future__ import annotations

from facezoo.plotting.curves import HeadCurves, probe
from facezoo.plotting.figure import draw

__all__ = ["HeadCurves", "draw", "probe"]
