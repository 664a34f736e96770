"""A meter of what a computation allocates."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class AllocationMeter(TorchDispatchMode):
    """Counts the storages that operations inside the block allocate.

    `peak_bytes` is the most that was alive at one time; `largest` the most elements of one tensor that did
    not exist before. What a single operation allocates and frees inside itself is not seen.
    """

    def __init__(self) -> None:
        super().__init__()
        self.peak_bytes = 0
        self.largest = 0
        self._alive: dict[int, tuple[StorageWeakRef, int]] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        before = {
            part.untyped_storage()._cdata for part in tree_leaves((args, kwargs)) if isinstance(part, Tensor)
        }
        result = func(*args, **(kwargs or {}))
        for part in tree_leaves(result):
            if isinstance(part, Tensor) and part.untyped_storage()._cdata not in before:
                self._note(part)
        return result

    def _note(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        self._alive = {key: entry for key, entry in self._alive.items() if not entry[0].expired()}
        if storage._cdata not in self._alive:
            self._alive[storage._cdata] = (StorageWeakRef(storage), storage.nbytes())
        self.largest = max(self.largest, storage.nbytes() // tensor.element_size())
        self.peak_bytes = max(self.peak_bytes, sum(size for _, size in self._alive.values()))
