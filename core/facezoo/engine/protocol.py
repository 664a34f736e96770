"""What a head is: the one method it must have, and the two that it may."""

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

    A head is a `torch.nn.Module`, made as `factory(config, context)` from its pydantic config and a
    `HeadContext`. Beside `loss` it may have, all called without gradient and in training only:

    - `before_loss(batch, scores)`: running statistics, initialisation from data;
    - `after_step(batch)`: memory writes, once the batch's backward is past;

    and the attributes `subcentres: int` (prototypes a class, default 1) and `decay: frozenset[str]` (names of
    its plain parameters that weight decay applies to, default none).
    """

    def loss(self, batch: Batch, scores: Scores) -> Tensor | Mapping[str, Tensor]:
        """The loss of a batch, 0-d; or its named parts, each 0-d, whose sum is the loss."""
        ...
