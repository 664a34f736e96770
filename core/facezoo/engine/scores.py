"""Rows against class vectors: the vocabulary in which a head states its loss.

Everything about a row's own class is ordinary PyTorch on the B target cosines. What concerns the *other*
classes is a reduction, which the layout computes without a B x C matrix. Logits of the others are `scale *
cos + shift`, the closed and fastest form, or any elementwise function `fn(cos, *args)`. `scale`, `shift` and
`args` are 0-d tensors, one value per row [B], or `ClassParameter`/`ClassBuffer` for one value per class;
gradients flow to all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, partial, partialmethod
from typing import Any, TypedDict, Unpack

from torch import Tensor

from facezoo.engine.classes import ClassMemory, ClassTensor
from facezoo.engine.logits import CosineFunction, Value, make_logits
from facezoo.engine.reductions import ClassFunction, Columns, LogSumExp, Max, Reduction, Softplus, Sum
from facezoo.engine.terms import Layout, Rows, Term, VectorMap
from facezoo.engine.units import unit
from facezoo.errors import FacezooError
from facezoo.holding import hold
from facezoo.margins import softplus


class Line(TypedDict, total=False):
    """Logits `scale` (default 1) * cos + `shift` (default 0)."""

    scale: Value
    shift: Value


class Scores:
    """Rows [P, D] of classes `labels` [P] against one set of class vectors. Made by `Batch.against`."""

    def __init__(self, layout: Layout, rows: Rows) -> None:
        self._layout, self._rows = layout, rows

    @property
    def classes(self) -> int:
        """The number of classes C."""
        return self._rows.vectors.classes

    @property
    def labels(self) -> Tensor:
        """The rows' own classes, [P] int64."""
        return self._rows.labels

    @cached_property
    def target(self) -> Tensor:
        """Cosine of each row to its own class, [P], with gradient; the best of its sub-centres."""
        vectors, units = self.vectors(self.labels), self._rows.units
        if vectors.ndim == 2:
            return (vectors * units).sum(-1)
        return (vectors * units[:, None]).sum(-1).amax(-1)

    @property
    def known(self) -> Tensor:
        """Which rows' own class has a vector, [P] bool; a memory has none for classes it has not seen."""
        return self._rows.vectors.known(self.labels)

    def take(self, values: Value, ids: Tensor | None = None) -> Tensor | float:
        """Values of a class tensor at class ids [P] (default: the rows' labels); anything else passes
        through.
        """
        if not isinstance(values, ClassTensor):
            return values
        return values.values[self.labels if ids is None else ids]

    def vectors(self, ids: Tensor) -> Tensor:
        """Unit class vectors at class ids [P], with gradient: [P, D], or [P, K, D] with sub-centres."""
        units, mapping = unit(self._rows.vectors.take(ids)), self._rows.mapping
        return units if mapping is None else mapping.apply(units, [part[ids] for part in mapping.sources()])

    def rows(self, units: Tensor, labels: Tensor) -> Scores:
        """Other unit rows [P, D] of classes `labels` [P] against the same class vectors."""
        return Scores(self._layout, Rows(self._rows.vectors, units, labels, self._rows.mapping))

    def mapped(self, function: Callable[..., Tensor], *tensors: ClassTensor | ClassMemory) -> Scores:
        """The same rows against class vectors unit(function(mu [c, D], *parts)), where a memory's part is its
        rows [c, D] and a class tensor's its values [c, 1]; gradients flow through the function.
        """
        rows = self._rows
        if rows.vectors.subcentres > 1:
            raise FacezooError("class vectors with sub-centres cannot be mapped", "use one centre per class")
        mapping = VectorMap(function, tensors)
        return Scores(self._layout, Rows(rows.vectors, rows.units, rows.labels, mapping))

    def logsumexp(self, fn: CosineFunction | None = None, *args: Any, **line: Unpack[Line]) -> Tensor:
        """log sum exp of the logits of the other classes, [P]; -inf where there are none."""
        return self.reduce(self.logsumexp_term(fn, *args, **line))[0]

    def softplus(self, fn: CosineFunction | None = None, *args: Any, **line: Unpack[Line]) -> Tensor:
        """Sum of softplus of the logits of the other classes, [P]."""
        return self.reduce(self.softplus_term(fn, *args, **line))[0]

    def sum(self, fn: CosineFunction | None = None, *args: Any, **line: Unpack[Line]) -> Tensor:
        """Sum of a function of the cosines of the other classes, [P]."""
        return self.reduce(self.sum_term(fn, *args, **line))[0]

    def max(self, fn: CosineFunction | None = None, *args: Any, **line: Unpack[Line]) -> Tensor:
        """The largest over the other classes, [P], without gradient; -inf where there are none."""
        return self.reduce(self.max_term(fn, *args, **line))[0]

    def columns(
        self, fn: CosineFunction | None = None, *args: Any, then: ClassFunction, **line: Unpack[Line]
    ) -> Tensor:
        """Sum over all classes of then(log sum exp over the rows of *other* classes), 0-d. `then` maps [c] to
        [c].
        """
        return self.reduce(self.columns_term(fn, *args, then=then, **line))[0]

    def softmax(
        self, target: Tensor, fn: CosineFunction | None = None, *args: Any, **line: Unpack[Line]
    ) -> Tensor:
        """Cross-entropy of each row, [P], from its target logit [P] and the logits of the other classes."""
        return softplus(self.logsumexp(fn, *args, **line) - target)

    def class_mean(self, function: Callable[..., Tensor], *tensors: ClassTensor) -> Tensor:
        """Mean over all C classes of a function of class tensors' values, 0-d: a regulariser without
        cosines.
        """
        return function(*[part.values for part in tensors]).mean()

    def reduce(self, *terms: Term) -> tuple[Tensor, ...]:
        """Several terms in one sweep over the classes, in the order given. All must be against the same class
        vectors; their rows and functions may differ.
        """
        if any(term.rows.vectors is not self._rows.vectors for term in terms):
            raise FacezooError(
                "terms against different class vectors cannot be reduced together",
                "reduce each set on its own",
            )
        values = self._layout.reduce(terms)
        return tuple(
            value if term.reduction.differentiable else hold(value)
            for term, value in zip(terms, values, strict=True)
        )

    def _term(
        self,
        reduction: Callable[[], Reduction],
        fn: CosineFunction | None = None,
        *args: Any,
        scale: Value = 1.0,
        shift: Value = 0.0,
    ) -> Term:
        return Term(self._rows, make_logits(fn, args, scale, shift, self._rows.units), reduction())

    # for `reduce`, each with the arguments of the method that it is named after
    logsumexp_term = partialmethod(_term, LogSumExp)
    softplus_term = partialmethod(_term, Softplus)
    sum_term = partialmethod(_term, Sum)
    max_term = partialmethod(_term, Max)

    def columns_term(
        self, fn: CosineFunction | None = None, *args: Any, then: ClassFunction, **line: Unpack[Line]
    ) -> Term:
        return self._term(partial(Columns, then), fn, *args, **line)
