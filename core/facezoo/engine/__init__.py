"""The class engine: what a head may ask of a batch and its class vectors, and the ways to compute it.

Shapes in names: B rows of the batch, P rows of any set, C classes, c classes of one block, D embedding size,
K sub-centres.
"""

from facezoo.engine.batch import Batch
from facezoo.engine.classes import ClassBuffer, ClassMemory, ClassParameter, Prototypes
from facezoo.engine.context import HeadContext
from facezoo.engine.protocol import MarginHead
from facezoo.engine.scores import Scores

__all__ = [
    "Batch",
    "ClassBuffer",
    "ClassMemory",
    "ClassParameter",
    "HeadContext",
    "MarginHead",
    "Prototypes",
    "Scores",
]
