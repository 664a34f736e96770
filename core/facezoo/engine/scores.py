"""Rows against class vectors: the vocabulary in which a head states its loss.

Everything about a row's own class is ordinary PyTorch on the B target cosines. What concerns the *other*
classes is a reduction, which the layout computes without a B x C matrix. Logits of the others are `scale *
cos + shift`, the closed and fastest form, or any elementwise function `fn(cos, *args)`. `scale`, `shift` and
`args` are 0-d tensors, one value a row [B], or `ClassParameter`/`ClassBuffer` for one value a class;
gradients flow to all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from torch import Tensor

from facezoo.engine.classes import ClassMemory, ClassTensor
from facezoo.engine.logits import CosineFunction, Logits, Value, make_logits
from facezoo.engine.reductions import ClassFunction, Columns, LogSumExp, Max, Reduction, Softplus, Sum
from facezoo.engine.units import unit
from facezoo.errors import FacezooError
from facezoo.holding import hold
from facezoo.margins import softplus

if TYPE_CHECKING:
    from facezoo.engine.vectors import ClassVectors


@dataclass(frozen=True)
class Mapping:
    """Class vectors replaced by unit(function(unit vectors [c, D], *parts of class tensors))."""

    function: Callable[..., Tensor]
    tensors: tuple[ClassTensor | ClassMemory, ...]

    def sources(self) -> list[Tensor]:
        """The whole tensors whose parts the function sees: rows [C, D] of a memory, values [C] of a class
        tensor.
        """
        return [part.rows if isinstance(part, ClassMemory) else part.values for part in self.tensors]

    def apply(self, units: Tensor, parts: list[Tensor]) -> Tensor:
        """New unit vectors [c, D]; numbers a class arrive as [c, 1]."""
        shaped = [part[:, None] if part.ndim == 1 else part for part in parts]
        return unit(self.function(units, *shaped))


@dataclass(frozen=True, eq=False)
class Term:
    """One reduction of one function of the cosines, to be computed together with others by
    `Scores.reduce`.
    """

    scores: Scores
    logits: Logits
    reduction: Reduction


class Scores:
    """Rows [P, D] of classes `labels` [P] against one set of class vectors. Made by the engine."""

    def __init__(
        self, vectors: ClassVectors, units: Tensor, labels: Tensor, mapping: Mapping | None = None
    ) -> None:
        self.class_vectors, self.unit_rows, self.labels, self.mapping = vectors, units, labels, mapping

    @property
    def classes(self) -> int:
        """The number of classes C."""
        return self.class_vectors.classes

    @cached_property
    def target(self) -> Tensor:
        """Cosine of each row to its own class, [P], with gradient; the best of its sub-centres."""
        vectors = self.vectors(self.labels)
        if vectors.ndim == 2:
            return (vectors * self.unit_rows).sum(-1)
        return (vectors * self.unit_rows[:, None]).sum(-1).amax(-1)

    @property
    def known(self) -> Tensor:
        """Which rows' own class has a vector, [P] bool; a memory has none for classes it has not seen."""
        return self.class_vectors.known(self.labels)

    def take(self, values: Value, ids: Tensor | None = None) -> Tensor | float:
        """Values of a class tensor at class ids [P] (default: the rows' labels); anything else passes
        through.
        """
        if not isinstance(values, ClassTensor):
            return values
        return values.values[self.labels if ids is None else ids]

    def vectors(self, ids: Tensor) -> Tensor:
        """Unit class vectors at class ids [P], with gradient: [P, D], or [P, K, D] with sub-centres."""
        units = unit(self.class_vectors.take(ids))
        if self.mapping is None:
            return units
        return self.mapping.apply(units, [part[ids] for part in self.mapping.sources()])

    def rows(self, units: Tensor, labels: Tensor) -> Scores:
        """Other unit rows [P, D] of classes `labels` [P] against the same class vectors."""
        return Scores(self.class_vectors, units, labels, self.mapping)

    def mapped(self, function: Callable[..., Tensor], *tensors: ClassTensor | ClassMemory) -> Scores:
        """The same rows against class vectors unit(function(mu [c, D], *parts)), where a memory's part is its
        rows [c, D] and a class tensor's its values [c, 1]; gradients flow through the function.
        """
        if self.class_vectors.subcentres > 1:
            raise FacezooError("class vectors with sub-centres cannot be mapped", "use one centre a class")
        return Scores(self.class_vectors, self.unit_rows, self.labels, Mapping(function, tensors))

    def logsumexp(
        self, fn: CosineFunction | None = None, *args: Any, scale: Value = 1.0, shift: Value = 0.0
    ) -> Tensor:
        """log sum exp of the logits of the other classes, [P]; -inf where there are none."""
        return self._reduce_one(self.logsumexp_term(fn, *args, scale=scale, shift=shift))

    def softplus(
        self, fn: CosineFunction | None = None, *args: Any, scale: Value = 1.0, shift: Value = 0.0
    ) -> Tensor:
        """Sum of softplus of the logits of the other classes, [P]."""
        return self._reduce_one(self.softplus_term(fn, *args, scale=scale, shift=shift))

    def sum(
        self, fn: CosineFunction | None = None, *args: Any, scale: Value = 1.0, shift: Value = 0.0
    ) -> Tensor:
        """Sum of a function of the cosines of the other classes, [P]."""
        return self._reduce_one(self.sum_term(fn, *args, scale=scale, shift=shift))

    def max(
        self, fn: CosineFunction | None = None, *args: Any, scale: Value = 1.0, shift: Value = 0.0
    ) -> Tensor:
        """The largest over the other classes, [P], without gradient; -inf where there are none."""
        return self._reduce_one(self.max_term(fn, *args, scale=scale, shift=shift))

    def columns(
        self,
        fn: CosineFunction | None = None,
        *args: Any,
        then: ClassFunction,
        scale: Value = 1.0,
        shift: Value = 0.0,
    ) -> Tensor:
        """Sum over all classes of then(log sum exp over the rows of *other* classes), 0-d. `then` maps [c] to
        [c].
        """
        return self._reduce_one(self.columns_term(fn, *args, then=then, scale=scale, shift=shift))

    def softmax(
        self,
        target: Tensor,
        fn: CosineFunction | None = None,
        *args: Any,
        scale: Value = 1.0,
        shift: Value = 0.0,
    ) -> Tensor:
        """Cross-entropy of each row, [P], from its target logit [P] and the logits of the other classes."""
        return softplus(self.logsumexp(fn, *args, scale=scale, shift=shift) - target)

    def class_mean(self, function: Callable[..., Tensor], *tensors: ClassTensor) -> Tensor:
        """Mean over all C classes of a function of class tensors' values, 0-d: a regulariser without
        cosines.
        """
        return function(*[part.values for part in tensors]).mean()

    def logsumexp_term(
        self, fn: CosineFunction | None = None, *args: Any, scale: Value = 1.0, shift: Value = 0.0
    ) -> Term:
        return self._term(LogSumExp(), fn, args, scale, shift)

    def softplus_term(
        self, fn: CosineFunction | None = None, *args: Any, scale: Value = 1.0, shift: Value = 0.0
    ) -> Term:
        return self._term(Softplus(), fn, args, scale, shift)

    def sum_term(
        self, fn: CosineFunction | None = None, *args: Any, scale: Value = 1.0, shift: Value = 0.0
    ) -> Term:
        return self._term(Sum(), fn, args, scale, shift)

    def max_term(
        self, fn: CosineFunction | None = None, *args: Any, scale: Value = 1.0, shift: Value = 0.0
    ) -> Term:
        return self._term(Max(), fn, args, scale, shift)

    def columns_term(
        self,
        fn: CosineFunction | None = None,
        *args: Any,
        then: ClassFunction,
        scale: Value = 1.0,
        shift: Value = 0.0,
    ) -> Term:
        return self._term(Columns(then), fn, args, scale, shift)

    def reduce(self, *terms: Term) -> tuple[Tensor, ...]:
        """Several terms in one sweep over the classes, in the order given. All must be against the same class
        vectors; their rows and functions may differ.
        """
        if any(term.scores.class_vectors is not self.class_vectors for term in terms):
            raise FacezooError(
                "terms against different class vectors cannot be reduced together",
                "reduce each set on its own",
            )
        values = self.class_vectors.layout.reduce(terms)
        return tuple(
            value if term.reduction.differentiable else hold(value)
            for term, value in zip(terms, values, strict=True)
        )

    def _reduce_one(self, term: Term) -> Tensor:
        return self.reduce(term)[0]

    def _term(
        self,
        reduction: Reduction,
        fn: CosineFunction | None,
        args: tuple[Any, ...],
        scale: Value,
        shift: Value,
    ) -> Term:
        return Term(self, make_logits(fn, args, scale, shift, self.unit_rows), reduction)
