"""Gradient checkpointing: a backbone's activations are computed again in the backward instead of kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint

from facezoo.errors import FacezooError


def recompute_blocks(backbone: nn.Module, name: str) -> None:
    """Let the blocks in the backbone's lists of blocks keep their input only.

    Values, gradients and running statistics stay the same bits. Raises FacezooError for a backbone that has
    no `Sequential` or `ModuleList` of blocks.
    """
    blocks = [block for child in backbone.children() for block in _blocks(child)]
    if not blocks:
        message = f"train.recompute: backbone {name!r} has no list of blocks that could be computed again"
        raise FacezooError(message, "Leave it at false, or train another backbone.")
    for block in blocks:
        block.forward = _checkpointed(block, block.forward)


def _blocks(child: nn.Module) -> list[nn.Module]:
    """What a list of blocks holds, less single layers, for which nothing would be saved."""
    if not isinstance(child, nn.Sequential | nn.ModuleList):
        return []
    return [block for block in child if any(True for _ in block.children())]


def _checkpointed(block: nn.Module, forward: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    def contexts() -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
        return nullcontext(), _statistics_kept(block)

    def recomputed(maps: Tensor) -> Tensor:
        output: Tensor = checkpoint(forward, maps, use_reentrant=False, context_fn=contexts)
        return output

    return recomputed


@contextmanager
def _statistics_kept(block: nn.Module) -> Iterator[None]:
    """Batch normalisation sees the batch for the second time here: its running statistics have it already."""
    norms = [module for module in block.modules() if isinstance(module, _BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    counts = [None if n.num_batches_tracked is None else n.num_batches_tracked.clone() for n in norms]
    for norm in norms:
        norm.momentum = 0.0  # new statistics count for nothing
    try:
        yield
    finally:
        for norm, momentum, count in zip(norms, momenta, counts, strict=True):
            norm.momentum = momentum
            if count is not None and norm.num_batches_tracked is not None:
                norm.num_batches_tracked.copy_(count)
