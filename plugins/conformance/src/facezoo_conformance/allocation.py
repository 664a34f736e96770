"""A meter of what a computation allocates."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode


class AllocationMeter(TorchDispatchMode):
    """Counts the storages that operations inside the block allocate.

    `peak_bytes` is the most that was alive at one time; `largest` the most elements of one tensor that did
    not exist before. What a single operation allocates and frees inside itself is not seen.
    """

    def __init__(self) -> None:
        super().__init__()
        self.peak_bytes = 0
        self.largest = 0
        self._known: dict[int, tuple[StorageWeakRef, int]] = {}  # alive, or dead and not forgotten yet
        self._bytes = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        before = {part.untyped_storage()._cdata for part in _tensors((args, kwargs))}
        result = func(*args, **(kwargs or {}))
        for part in _tensors(result):
            if part.untyped_storage()._cdata not in before:
                self._note(part)
        return result

    def _note(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        self.largest = max(self.largest, storage.nbytes() // tensor.element_size())
        if storage._cdata not in self._known:
            self._known[storage._cdata] = (StorageWeakRef(storage), storage.nbytes())
            self._bytes += storage.nbytes()
        if self._bytes > self.peak_bytes:  # no new peak without: the dead need not be looked for each time
            self._forget_dead()
            self.peak_bytes = max(self.peak_bytes, self._bytes)

    def _forget_dead(self) -> None:
        self._known = {key: entry for key, entry in self._known.items() if not entry[0].expired()}
        self._bytes = sum(size for _, size in self._known.values())


def _tensors(parts: object) -> Iterator[Tensor]:
    """The tensors that an operation takes or gives; torch's own walk takes longer than most operations."""
    if isinstance(parts, Tensor):
        yield parts
    elif isinstance(parts, tuple | list):
        for part in parts:
            yield from _tensors(part)
    elif isinstance(parts, dict):
        yield from _tensors(list(parts.values()))
