"""Pairs as a list names them, before anybody has looked for the images."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class NamedPair:
    """One pair of a list: two image names, as the file gives them, and what they are."""

    a: str
    b: str
    same: bool
    fold: int | None = None


@dataclass(frozen=True, eq=False)
class NamedPairs(Sequence[NamedPair]):
    """Listed pairs as columns: lists of 10^7 pairs leave no room for an object per pair.

    `names` are the distinct image names in the order in which they first occur; `left` and `right`, int64
    [P], are indices into them. `same` is bool [P]; `fold` is int64 [P] from 0, or None without folds.
    As a sequence it holds one `NamedPair` per pair, made when it is asked for.
    """

    names: Sequence[str]
    left: npt.NDArray[np.int64]
    right: npt.NDArray[np.int64]
    same: npt.NDArray[np.bool_]
    fold: npt.NDArray[np.int64] | None = None

    @classmethod
    def of(cls, pairs: Iterable[NamedPair]) -> NamedPairs:
        """The same pairs as columns; the folds are kept where every pair has one."""
        if isinstance(pairs, NamedPairs):
            return pairs
        pairs = list(pairs)
        codes = NameCodes()
        ends = codes.of([name for pair in pairs for name in (pair.a, pair.b)])
        folds = [pair.fold for pair in pairs if pair.fold is not None]
        return cls(
            tuple(codes),
            ends[:, 0].astype(np.int64),
            ends[:, 1].astype(np.int64),
            np.array([pair.same for pair in pairs], np.bool_),
            np.array(folds, np.int64) if len(folds) == len(pairs) else None,
        )

    def __len__(self) -> int:
        return len(self.same)

    @overload
    def __getitem__(self, at: int) -> NamedPair: ...
    @overload
    def __getitem__(self, at: slice) -> list[NamedPair]: ...
    def __getitem__(self, at: int | slice) -> NamedPair | list[NamedPair]:
        if isinstance(at, slice):
            return [self[pair] for pair in range(*at.indices(len(self)))]
        fold = None if self.fold is None else int(self.fold[at])
        return NamedPair(self.names[self.left[at]], self.names[self.right[at]], bool(self.same[at]), fold)

    def __iter__(self) -> Iterator[NamedPair]:
        return (self[pair] for pair in range(len(self)))


class NameCodes(dict[str, int]):
    """Numbers of names in the order in which they are first asked for."""

    def __missing__(self, name: str) -> int:
        number = self[name] = len(self)
        return number

    def of(self, names: Sequence[str]) -> npt.NDArray[np.int32]:
        """The numbers [P, 2] of names that stand in pairs, one after the other."""
        return np.fromiter(map(self.__getitem__, names), np.int32, len(names)).reshape(-1, 2)
