"""The plan of a streamed reduction: what is read, in which blocks, and where each row meets its own class."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from facezoo.engine.scores import Mapping, Scores, Term
from facezoo.engine.streamed.operands import Block, MappedBlock
from facezoo.engine.streamed.products import Precision

BLOCK_ELEMENTS = {"cpu": 2**18, "cuda": 2**24}
"""Cosines in one block: what stays in a core's cache, or what keeps an accelerator busy."""

MOST_CLASSES, FEWEST_CLASSES = 8192, 16


@dataclass(frozen=True)
class Span:
    """Classes [low, high), the `number`th block."""

    number: int
    low: int
    high: int

    def __len__(self) -> int:
        return self.high - self.low


class Place:
    """A term in the plan: `slots` say which inputs its arguments are."""

    def __init__(self, term: Term, result: int, slots: list[int]) -> None:
        self.logits, self.reduction, self.result, self.slots = term.logits, term.reduction, result, slots

    def arguments(self, inputs: Sequence[Tensor], span: Span) -> list[Tensor]:
        return [
            part.block(inputs[slot], span.low, span.high)
            for part, slot in zip(self.logits.arguments, self.slots, strict=True)
        ]


class View:
    """The rows of one `Scores`: columns [low, high) of its group's blocks, input number `slot`."""

    def __init__(self, scores: Scores, low: int, slot: int, edges: Tensor) -> None:
        self.slot, self.low, self.high = slot, low, low + len(scores.unit_rows)
        self.places: list[Place] = []
        self._order = scores.labels.argsort()
        self._sorted = scores.labels[self._order]
        self._cuts: list[int] = torch.searchsorted(self._sorted, edges).tolist()

    def own(self, span: Span) -> tuple[Tensor, Tensor]:
        """Where rows meet their own class: (class in the block, row) indices."""
        part = slice(self._cuts[span.number], self._cuts[span.number + 1])
        return self._sorted[part] - span.low, self._order[part]

    def of(self, block: Tensor) -> Tensor:
        """This view's columns of a group's block."""
        return block[:, self.low : self.high]


class Group:
    """Views with the same mapping of the class vectors: their rows go through one matrix product."""

    def __init__(self, mapping: Mapping | None, slots: list[int]) -> None:
        self.mapping, self.mapping_slots = mapping, slots
        self.views: list[View] = []

    @property
    def width(self) -> int:
        return self.views[-1].high

    def gather(self, inputs: Sequence[Tensor]) -> None:
        """Put the views' rows beside each other, in `units` [P, D]."""
        rows = [inputs[view.slot] for view in self.views]
        self.units = rows[0] if len(rows) == 1 else torch.cat(rows)

    def block(self, sweep: Sweep, inputs: Sequence[Tensor], span: Span) -> Block | MappedBlock:
        rows = sweep.weight[span.low : span.high]
        if self.mapping is None:
            return Block(rows.flatten(0, -2), sweep.unit_vectors, sweep.subcentres)
        parts = [inputs[slot][span.low : span.high] for slot in self.mapping_slots]
        return MappedBlock(rows, self.mapping, parts, [sweep.learns, *[part.requires_grad for part in parts]])


class Sweep:
    """Terms against one set of class vectors, and the blocks in which they are computed.

    `inputs` are the tensors that gradients may flow to: rows of every view, arguments, tensors of mappings.
    """

    def __init__(self, terms: Sequence[Term], block_elements: int | None, precision: Precision) -> None:
        vectors = terms[0].scores.class_vectors
        self.weight, self.sink, self.unit_vectors = vectors.weight.detach(), vectors.sink, vectors.units
        self.classes, self.subcentres, self.precision = vectors.classes, vectors.subcentres, precision
        self.learns = vectors.weight.requires_grad
        self.trains = torch.is_grad_enabled()
        self.unseen = None if vectors.seen is None else ~vectors.seen
        self.inputs: list[Tensor] = []
        self.size = self._block_size(terms, block_elements)
        self.spans = [
            Span(number, low, min(low + self.size, self.classes))
            for number, low in enumerate(range(0, self.classes, self.size))
        ]
        self.groups = self._arrange(terms)
        self.terms = terms

    def _block_size(self, terms: Sequence[Term], block_elements: int | None) -> int:
        elements = block_elements or BLOCK_ELEMENTS.get(self.weight.device.type, BLOCK_ELEMENTS["cuda"])
        widest = sum(len(scores.unit_rows) for scores in {id(t.scores): t.scores for t in terms}.values())
        return max(FEWEST_CLASSES, min(MOST_CLASSES, elements // max(1, widest * self.subcentres)))

    def _slot(self, tensor: Tensor) -> int:
        self.inputs.append(tensor)
        return len(self.inputs) - 1

    def _arrange(self, terms: Sequence[Term]) -> list[Group]:
        edges = torch.tensor([span.low for span in self.spans] + [self.classes], device=self.weight.device)
        groups: dict[int, Group] = {}
        views: dict[int, View] = {}
        for result, term in enumerate(terms):
            scores = term.scores
            group = groups.get(id(scores.mapping))
            if group is None:
                sources = [] if scores.mapping is None else scores.mapping.sources()
                group = groups[id(scores.mapping)] = Group(
                    scores.mapping, [self._slot(part) for part in sources]
                )
            view = views.get(id(scores))
            if view is None:
                low = group.width if group.views else 0
                view = views[id(scores)] = View(scores, low, self._slot(scores.unit_rows), edges)
                group.views.append(view)
            slots = [self._slot(part.tensor) for part in term.logits.arguments]
            view.places.append(Place(term, result, slots))
        return list(groups.values())

    def begin(self, inputs: Sequence[Tensor]) -> None:
        """Start every reduction and gather the rows."""
        for group in self.groups:
            group.gather(inputs)
        for term in self.terms:
            rows = term.scores.unit_rows
            term.reduction.begin(len(rows), self.classes, self.weight, term.logits.bound())

    def results(self, ctx: Any) -> tuple[Tensor, ...]:
        """The values of all terms, those without gradient marked as such."""
        values = [term.reduction.value() for term in self.terms]
        fixed = [
            value for value, term in zip(values, self.terms, strict=True) if not term.reduction.differentiable
        ]
        ctx.mark_non_differentiable(*fixed)
        return tuple(values)

    def workspace(self, width: int, vectors: int = 1) -> Tensor:
        """A buffer for one value of each of `vectors` vectors of every class of a block and every one of
        `width` rows.
        """
        return self.weight.new_empty(self.size * vectors, width)

    def places(self) -> Iterator[tuple[Group, View, Place]]:
        for group in self.groups:
            for view in group.views:
                for place in view.places:
                    yield group, view, place

    def logits(
        self, view: View, place: Place, span: Span, cos: Tensor, inputs: Sequence[Tensor], out: Tensor
    ) -> Tensor:
        """The logits of a place, own and unseen classes excluded, in `out` [c, P]."""
        place.logits.value(cos, place.arguments(inputs, span), out)
        return self.exclude(view, span, out, place.reduction.excluded)

    def exclude(self, view: View, span: Span, block: Tensor, value: float) -> Tensor:
        """Put `value` into `block` [c, P] where a row meets its own class, or a class was never seen."""
        block[view.own(span)] = value
        if self.unseen is not None:
            block.masked_fill_(self.unseen[span.low : span.high, None], value)
        return block

    def slope(self, view: View, place: Place, span: Span, logits: Tensor) -> Tensor:
        """The slope of a place's value in its logits [c, P], overwriting them, up to the factor a row."""
        slope = place.reduction.slope(logits, span.low, span.high)
        return self.exclude(view, span, slope, 0.0) if place.reduction.excluded == 0 else slope

    def best_cosines(self, group: Group, block: Block | MappedBlock, span: Span, cos: Tensor) -> Tensor:
        """Cosines [c, P] with each class from those with its stored vectors, 0 where a row meets its own
        class.

        Replaced before any function sees them: one with an infinite slope at cos = 1 would give 0 * inf.
        """
        best = block.best(cos)
        for view in group.views:
            view.of(best)[view.own(span)] = 0.0
        return best

    def rows(self, span: Span) -> slice:
        """The stored vectors of a block among all C * K."""
        return slice(span.low * self.subcentres, span.high * self.subcentres)

    @property
    def needs_two_sweeps(self) -> bool:
        """Whether gradients flow to anything with a value or a vector a class."""
        along_classes = [
            place.slots[number]
            for _, _, place in self.places()
            for number, part in enumerate(place.logits.arguments)
            if part.axis == "class"
        ]
        along_classes += [slot for group in self.groups for slot in group.mapping_slots]
        return self.learns or any(self.inputs[slot].requires_grad for slot in along_classes)
