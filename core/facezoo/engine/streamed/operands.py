"""The class vectors of one block: their cosines with rows, and the way back of a gradient."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor

from facezoo.engine.streamed.products import Matmul
from facezoo.engine.terms import VectorMap
from facezoo.engine.units import inverse_norms, unit


class Operand(ABC):
    """Vectors [c * K, D] of one block's classes, the left factor of its matrix products."""

    def __init__(self, vectors: Tensor) -> None:
        self.vectors = vectors

    def cosines(self, units_DP: Tensor, out: Tensor, matmul: Matmul) -> Tensor:
        """Cosines [c * K, P] of unit rows with every vector, into `out`."""
        return matmul.write(self.vectors, units_DP, out)

    def best(self, cos: Tensor) -> tuple[Tensor, Tensor | None]:
        """Cosines [c, P] with the best sub-centre of each class, and which one that is, [c, P] int64; `cos`
        itself and None for one centre per class.
        """
        return cos, None

    def spread(self, grad: Tensor, chosen: Tensor | None) -> Tensor:
        """Send the gradient of the best cosines [c, P] back to the products of the stored vectors that won,
        [c * K, P]; zero elsewhere. May overwrite it.
        """
        return grad

    def to_rows(self, spread: Tensor, total: Tensor, matmul: Matmul) -> None:
        """Add the gradient of the unit rows to `total` [P, D]."""
        matmul.add(spread.T, self.vectors, total)

    @abstractmethod
    def to_vectors(
        self,
        spread: Tensor,
        cos: Tensor,
        units: Tensor,
        total: Tensor | None,
        empty: bool,
        parts: Sequence[Tensor | None],
        matmul: Matmul,
    ) -> None:
        """Write (where it is `empty`) or add the gradient of the stored vectors to `total` [c * K, D], which
        may hold `cos`, and add that of a map's tensors to `parts`.
        """


class StoredVectors(Operand):
    """Class vectors as they are stored, `subcentres` K per class.

    Inverse norms go on the products instead of making normalised copies; `units` says that all are 1.
    """

    def __init__(self, vectors: Tensor, units: bool, subcentres: int) -> None:
        super().__init__(vectors)
        self.subcentres = subcentres
        self.inverse = None if units else inverse_norms(vectors)[:, None]

    def cosines(self, units_DP: Tensor, out: Tensor, matmul: Matmul) -> Tensor:
        super().cosines(units_DP, out, matmul)
        return out if self.inverse is None else out.mul_(self.inverse)

    def best(self, cos: Tensor) -> tuple[Tensor, Tensor | None]:
        if self.subcentres == 1:
            return cos, None
        best, chosen = cos.unflatten(0, (-1, self.subcentres)).max(1)
        return best, chosen

    def spread(self, grad: Tensor, chosen: Tensor | None) -> Tensor:
        if chosen is not None:
            whole = grad.new_zeros(len(grad), self.subcentres, grad.shape[1])
            grad = whole.scatter_(1, chosen[:, None], grad[:, None]).flatten(0, 1)
        return grad if self.inverse is None else grad.mul_(self.inverse)

    def to_vectors(
        self,
        spread: Tensor,
        cos: Tensor,
        units: Tensor,
        total: Tensor | None,
        empty: bool,
        parts: Sequence[Tensor | None],
        matmul: Matmul,
    ) -> None:
        """With G = d loss / d cos over the norms: d w = G x - w sum_i(G_i c_i) / |w|."""
        assert total is not None
        overlap = None if self.inverse is None else cos.mul_(spread).sum(1, keepdim=True).mul_(self.inverse)
        (matmul.write if empty else matmul.add)(spread, units, total)
        if overlap is not None:
            total.addcmul_(self.vectors, overlap, value=-1)


class MappedVectors(Operand):
    """Class vectors after a head's map, differentiated by autograd; `parts` are the block's share of the
    map's own tensors, and `wanted` says of the vectors and of each part whether it needs a gradient.
    """

    def __init__(
        self, vectors: Tensor, mapping: VectorMap, parts: Sequence[Tensor], wanted: Sequence[bool]
    ) -> None:
        self.leaves = [vectors.detach(), *[part.detach() for part in parts]]
        for leaf, want in zip(self.leaves, wanted, strict=True):
            leaf.requires_grad_(want)
        with torch.enable_grad():
            self.mapped = mapping.apply(unit(self.leaves[0]), self.leaves[1:])
        super().__init__(self.mapped.detach())

    def to_vectors(
        self,
        spread: Tensor,
        cos: Tensor,
        units: Tensor,
        total: Tensor | None,
        empty: bool,
        parts: Sequence[Tensor | None],
        matmul: Matmul,
    ) -> None:
        to_mapped = matmul.write(spread, units, torch.empty_like(self.vectors))
        chosen = [leaf for leaf in self.leaves if leaf.requires_grad]
        grads = iter(torch.autograd.grad(self.mapped, chosen, to_mapped, materialize_grads=True))
        if empty and total is not None:
            total.zero_()
        for leaf, into in zip(self.leaves, [total, *parts], strict=True):
            if leaf.requires_grad and into is not None:
                into.add_(next(grads))
