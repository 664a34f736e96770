"""What a head is: the one method it must have, and the four that it may."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from torch import Tensor

    from facezoo.engine.batch import Batch
    from facezoo.engine.scores import Scores


@runtime_checkable
class MarginHead(Protocol):
    """A margin loss, stated once and computed in every layout.

    A head is made as `factory(config, context)` from its pydantic config and a `HeadContext`. It is a
    `torch.nn.Module`, or any object if it has nothing to learn and nothing to remember. Beside `loss` it may
    have, all called without gradient and the first two in training only:

    - `before_loss(batch, scores)`: running statistics, initialisation from data;
    - `after_step(batch)`: memory writes, once the batch's backward is past;
    - `report(images) -> Mapping[str, float]`: figures about itself at the end of an epoch; `images` [C] int64
      has how many training images each class has;
    - `threshold() -> float | None`: the cosine from which on the head itself takes a pair for genuine (None:
      as it is set or stands, it has none);

    and the attributes `subcentres: int` (prototypes per class, default 1) and `decay: frozenset[str]` (names
    of its plain parameters that weight decay applies to, default none).
    """

    def loss(self, batch: Batch, scores: Scores) -> Tensor | Mapping[str, Tensor]:
        """The loss of a batch, 0-d; or its named parts, each 0-d, whose sum is the loss."""
        ...
