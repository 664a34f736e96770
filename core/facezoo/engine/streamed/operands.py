"""One block of class vectors: its cosines with rows, and the way back of a gradient."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from facezoo.engine.scores import Mapping
from facezoo.engine.streamed.products import Products
from facezoo.engine.units import inverse_norms, unit


class Block:
    """Class vectors of one block as they are stored, `subcentres` rows a class.

    Inverse norms go on the products instead of making normalised copies; `units` says that all are 1.
    """

    def __init__(self, rows: Tensor, units: bool, subcentres: int) -> None:
        self.rows, self.subcentres = rows, subcentres
        self.inverse = None if units else inverse_norms(rows)[:, None]

    def cosines(self, units_DP: Tensor, out: Tensor, products: Products) -> Tensor:
        """Cosines [c * K, P] of unit rows with every stored vector, into `out`."""
        products.write(self.rows, units_DP, out)
        return out if self.inverse is None else out.mul_(self.inverse)

    def best(self, cos: Tensor) -> Tensor:
        """Cosines [c, P] with the best sub-centre of each class; `cos` itself for one centre a class."""
        if self.subcentres == 1:
            return cos
        best, self._chosen = cos.unflatten(0, (-1, self.subcentres)).max(1)
        return best

    def spread(self, grad: Tensor) -> Tensor:
        """A gradient [c, P] of the best cosines as one [c * K, P] of the products with the stored vectors.
        May overwrite it.
        """
        if self.subcentres > 1:
            whole = grad.new_zeros(len(grad), self.subcentres, grad.shape[1])
            grad = whole.scatter_(1, self._chosen[:, None], grad[:, None]).flatten(0, 1)
        return grad if self.inverse is None else grad.mul_(self.inverse)

    def to_rows(self, spread: Tensor, total: Tensor, products: Products) -> None:
        """Add the gradient of the unit rows to `total` [P, D]."""
        products.add(spread.T, self.rows, total)

    def to_vectors(
        self,
        spread: Tensor,
        cos: Tensor,
        units: Tensor,
        total: Tensor | None,
        empty: bool,
        parts: Sequence[Tensor | None],
        products: Products,
    ) -> None:
        """Write (or add) the gradient of the stored vectors to `total` [c * K, D], which may hold `cos`.

        With G = d loss / d cos over the norms: d w = G x - w sum_i(G_i c_i) / |w|.
        """
        assert total is not None
        overlap = None if self.inverse is None else cos.mul_(spread).sum(1, keepdim=True).mul_(self.inverse)
        (products.write if empty else products.add)(spread, units, total)
        if overlap is not None:
            total.addcmul_(self.rows, overlap, value=-1)


class MappedBlock:
    """Class vectors of one block after a head's mapping, differentiated by autograd; `parts` are the block's
    share of the mapping's own tensors.
    """

    def __init__(
        self, rows: Tensor, mapping: Mapping, parts: Sequence[Tensor], wanted: Sequence[bool]
    ) -> None:
        self.leaves = [rows.detach(), *[part.detach() for part in parts]]
        for leaf, want in zip(self.leaves, wanted, strict=True):
            leaf.requires_grad_(want)
        with torch.enable_grad():
            self.mapped = mapping.apply(unit(self.leaves[0]), self.leaves[1:])
        self.units = self.mapped.detach()

    def cosines(self, units_DP: Tensor, out: Tensor, products: Products) -> Tensor:
        return products.write(self.units, units_DP, out)

    def best(self, cos: Tensor) -> Tensor:
        return cos

    def spread(self, grad: Tensor) -> Tensor:
        return grad

    def to_rows(self, spread: Tensor, total: Tensor, products: Products) -> None:
        products.add(spread.T, self.units, total)

    def to_vectors(
        self,
        spread: Tensor,
        cos: Tensor,
        units: Tensor,
        total: Tensor | None,
        empty: bool,
        parts: Sequence[Tensor | None],
        products: Products,
    ) -> None:
        """The same through the mapping; the gradients of its tensors are added to `parts`."""
        to_mapped = products.write(spread, units, torch.empty_like(self.units))
        chosen = [leaf for leaf in self.leaves if leaf.requires_grad]
        grads = iter(torch.autograd.grad(self.mapped, chosen, to_mapped, materialize_grads=True))
        if empty and total is not None:
            total.zero_()
        for leaf, into in zip(self.leaves, [total, *parts], strict=True):
            if leaf.requires_grad and into is not None:
                into.add_(next(grads))
