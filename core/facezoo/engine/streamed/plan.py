"""The plan of a streamed reduction: what is read, in which blocks, and where each row meets its own class."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from facezoo.engine.streamed.operands import MappedVectors, Operand, StoredVectors
from facezoo.engine.terms import Rows, Term, VectorMap

BLOCK_ELEMENTS = {"cpu": 2**18, "cuda": 2**24}
"""Cosines in one block: what stays in a core's cache, or what keeps an accelerator busy."""

MOST_CLASSES, FEWEST_CLASSES = 8192, 16


@dataclass(frozen=True)
class Block:
    """Classes [low, high), the `number`th block."""

    number: int
    low: int
    high: int

    def __len__(self) -> int:
        return self.high - self.low


class PlannedTerm:
    """A term in the plan, the `result`th; `slots` say which inputs its arguments are."""

    def __init__(self, term: Term, result: int, slots: list[int]) -> None:
        self.logits, self.reduction, self.result, self.slots = term.logits, term.reduction, result, slots

    def arguments(self, inputs: Sequence[Tensor], block: Block) -> list[Tensor]:
        return [
            part.block(inputs[slot], block.low, block.high)
            for part, slot in zip(self.logits.arguments, self.slots, strict=True)
        ]


class PlannedRows:
    """One set of rows, with its terms: columns [low, high) of its product's blocks, input number `slot`."""

    def __init__(self, rows: Rows, low: int, slot: int, edges: Tensor) -> None:
        self.slot, self.low, self.high = slot, low, low + len(rows.units)
        self.terms: list[PlannedTerm] = []
        self._order = rows.labels.argsort()
        self._sorted = rows.labels[self._order]
        self._cuts: list[int] = torch.searchsorted(self._sorted, edges).tolist()

    def own(self, block: Block) -> tuple[Tensor, Tensor]:
        """Where rows meet their own class: (class in the block, row) indices."""
        part = slice(self._cuts[block.number], self._cuts[block.number + 1])
        return self._sorted[part] - block.low, self._order[part]

    def of(self, cells: Tensor) -> Tensor:
        """These rows' columns of a product's block."""
        return cells[:, self.low : self.high]


class Product:
    """Sets of rows that meet class vectors under the same map, and so go through one matrix product."""

    def __init__(self, mapping: VectorMap | None, mapping_slots: list[int]) -> None:
        self.mapping, self.mapping_slots = mapping, mapping_slots
        self.rows: list[PlannedRows] = []

    @property
    def width(self) -> int:
        return self.rows[-1].high if self.rows else 0

    def gather(self, inputs: Sequence[Tensor]) -> None:
        """Put the rows beside each other, in `units` [P, D]."""
        rows = [inputs[rows.slot] for rows in self.rows]
        self.units = rows[0] if len(rows) == 1 else torch.cat(rows)


class Plan:
    """Terms against one set of class vectors, and the blocks in which they are computed.

    `inputs` are the tensors that gradients may flow to: rows of every set, arguments, tensors of maps.
    """

    def __init__(self, terms: Sequence[Term], block_elements: int | None) -> None:
        vectors = terms[0].rows.vectors
        self.weight, self.sink, self.unit_vectors = vectors.weight.detach(), vectors.sink, vectors.units
        self.classes, self.subcentres = vectors.classes, vectors.subcentres
        self.learns = vectors.weight.requires_grad
        self.unseen = None if vectors.seen is None else ~vectors.seen
        self.terms = terms
        self.inputs: list[Tensor] = []
        self.size = self._block_size(block_elements)
        self.blocks = [
            Block(number, low, min(low + self.size, self.classes))
            for number, low in enumerate(range(0, self.classes, self.size))
        ]
        self.products = self._arrange()

    def _block_size(self, block_elements: int | None) -> int:
        elements = block_elements or BLOCK_ELEMENTS.get(self.weight.device.type, BLOCK_ELEMENTS["cuda"])
        widest = sum(len(rows.units) for rows in {id(term.rows): term.rows for term in self.terms}.values())
        return max(FEWEST_CLASSES, min(MOST_CLASSES, elements // max(1, widest * self.subcentres)))

    def _slot(self, tensor: Tensor) -> int:
        self.inputs.append(tensor)
        return len(self.inputs) - 1

    def _arrange(self) -> list[Product]:
        edges = torch.tensor([block.low for block in self.blocks] + [self.classes], device=self.weight.device)
        products: dict[int, Product] = {}
        planned: dict[int, PlannedRows] = {}
        for result, term in enumerate(self.terms):
            rows = term.rows
            if id(rows.mapping) not in products:
                sources = [] if rows.mapping is None else rows.mapping.sources()
                products[id(rows.mapping)] = Product(rows.mapping, [self._slot(part) for part in sources])
            product = products[id(rows.mapping)]
            if id(rows) not in planned:
                planned[id(rows)] = PlannedRows(rows, product.width, self._slot(rows.units), edges)
                product.rows.append(planned[id(rows)])
            slots = [self._slot(part.tensor) for part in term.logits.arguments]
            planned[id(rows)].terms.append(PlannedTerm(term, result, slots))
        return list(products.values())

    def each_term(self) -> Iterator[tuple[Product, PlannedRows, PlannedTerm]]:
        """Every term, with the rows that it is of and their product."""
        for product in self.products:
            for rows in product.rows:
                for term in rows.terms:
                    yield product, rows, term

    def operand(self, product: Product, block: Block, inputs: Sequence[Tensor]) -> Operand:
        """The class vectors of a block, as the rows of a product meet them."""
        vectors = self.weight[block.low : block.high]
        if product.mapping is None:
            return StoredVectors(vectors.flatten(0, -2), self.unit_vectors, self.subcentres)
        parts = [inputs[slot][block.low : block.high] for slot in product.mapping_slots]
        wanted = [self.learns, *[part.requires_grad for part in parts]]
        return MappedVectors(vectors, product.mapping, parts, wanted)

    def stored(self, block: Block) -> slice:
        """The vectors of a block among all C * K."""
        return slice(block.low * self.subcentres, block.high * self.subcentres)

    @property
    def needs_two_sweeps(self) -> bool:
        """Whether gradients flow to anything with a value or a vector per class."""
        along_classes = [
            slot
            for _, _, term in self.each_term()
            for slot, part in zip(term.slots, term.logits.arguments, strict=True)
            if part.axis == "class"
        ]
        along_classes += [slot for product in self.products for slot in product.mapping_slots]
        return self.learns or any(self.inputs[slot].requires_grad for slot in along_classes)
