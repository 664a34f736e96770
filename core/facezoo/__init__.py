"""A zoo of margin losses for face recognition.

Every head is a distribution of its own, found through its metadata; the class engine computes any of them in
any layout with the same numbers. Two lines in a training loop of one's own::

    loss = facezoo.build("NAME", classes=10_572, dim=512)
    value = loss(embeddings, labels)

Importing this package imports neither torch nor numpy nor pydantic: the names below arrive on first use.

Shape suffixes used throughout: B rows of a batch, C classes (identities), D embedding size, K sub-centres,
P any list of rows; lower case c is one block of the classes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from facezoo._lazy import lazy_names
from facezoo.errors import FacezooError

if TYPE_CHECKING:
    from facezoo import margins
    from facezoo._version import __version__
    from facezoo.engine import (
        Batch,
        ClassBuffer,
        ClassMemory,
        ClassParameter,
        HeadContext,
        MarginHead,
        Scores,
    )
    from facezoo.holding import hold
    from facezoo.loss import HeadLoss, build
    from facezoo.registry import HeadConfig, HeadSpec, MarginGradient, PastPi, StepsOrFraction

__all__ = [
    "Batch",
    "ClassBuffer",
    "ClassMemory",
    "ClassParameter",
    "FacezooError",
    "HeadConfig",
    "HeadContext",
    "HeadLoss",
    "HeadSpec",
    "MarginGradient",
    "MarginHead",
    "PastPi",
    "Scores",
    "StepsOrFraction",
    "__version__",
    "build",
    "hold",
    "margins",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "Batch": "facezoo.engine",
        "ClassBuffer": "facezoo.engine",
        "ClassMemory": "facezoo.engine",
        "ClassParameter": "facezoo.engine",
        "HeadConfig": "facezoo.registry",
        "HeadContext": "facezoo.engine",
        "HeadLoss": "facezoo.loss",
        "HeadSpec": "facezoo.registry",
        "MarginGradient": "facezoo.registry",
        "MarginHead": "facezoo.engine",
        "PastPi": "facezoo.registry",
        "Scores": "facezoo.engine",
        "StepsOrFraction": "facezoo.registry",
        "__version__": "facezoo._version",
        "build": "facezoo.loss",
        "hold": "facezoo.holding",
        "margins": "facezoo.margins",
    },
)
