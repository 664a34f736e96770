"""Reductions over the non-target classes, block by block: value and derivative.

A reduction sees blocks of logits [c, P] twice: `absorb` accumulates its value, `slope` turns the same logits
into the derivative of the value, up to a factor per row that is known only at the end. That is what lets a
set of class vectors without gradient be done in one sweep, with the factor applied last.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor

ClassFunction = Callable[[Tensor], Tensor]

SAFE_EXPONENT = 65.0
"""exp of +-65 and sums of 1e8 of them are far inside float32, so such logits need no running maximum."""


class Reduction(ABC):
    """A value that is accumulated over blocks of logits; one instance serves one forward and its backward."""

    excluded = -math.inf
    """What stands for the logit of an own or unseen class, so that it counts for nothing."""

    differentiable = True

    def begin(self, rows: int, classes: int, like: Tensor, bound: float) -> None:
        """Start over for `rows` rows and `classes` classes in the dtype of `like`; |logits| <= `bound`."""
        self.total = like.new_zeros(rows)

    @abstractmethod
    def absorb(self, logits: Tensor, low: int, high: int, scratch: Tensor) -> Tensor | None:
        """Take in the logits of classes [low, high). Returns what earlier slopes must be multiplied by, or
        None.
        """

    @abstractmethod
    def slope(self, logits: Tensor, low: int, high: int) -> Tensor:
        """d value / d logits up to `factor`, overwriting the logits."""

    def factor(self, grad: Tensor) -> Tensor:
        """What `slope` lacks, [P] or 0-d, given the gradient of the value."""
        return grad

    def value(self) -> Tensor:
        return self.total.clone()

    @abstractmethod
    def plain(self, logits_BC: Tensor) -> Tensor:
        """The same of all logits at once, in ordinary differentiable operations."""


class LogSumExp(Reduction):
    """log sum exp over the classes, [P]."""

    def begin(self, rows: int, classes: int, like: Tensor, bound: float) -> None:
        self.total = like.new_zeros(rows)
        self.peak = like.new_zeros(rows) if bound <= SAFE_EXPONENT else like.new_full((rows,), -math.inf)
        self.bounded = bound <= SAFE_EXPONENT

    def absorb(self, logits: Tensor, low: int, high: int, scratch: Tensor) -> Tensor | None:
        if self.bounded:
            self.total += torch.exp(logits, out=scratch).sum(0)
            return None
        peak = torch.maximum(self.peak, logits.amax(0))
        fade = (self.peak - _finite(peak)).exp()
        self.total = self.total * fade + torch.sub(logits, _finite(peak), out=scratch).exp_().sum(0)
        self.peak = peak
        return fade

    def slope(self, logits: Tensor, low: int, high: int) -> Tensor:
        return (logits if self.bounded else logits.sub_(_finite(self.peak))).exp_()

    def factor(self, grad: Tensor) -> Tensor:
        return torch.where(self.total > 0, grad / self.total, 0.0)

    def value(self) -> Tensor:
        return self.peak + self.total.log()

    def plain(self, logits_BC: Tensor) -> Tensor:
        return logits_BC.logsumexp(1)


class Softplus(Reduction):
    """Sum of softplus over the classes, [P]."""

    LARGE = 30.0

    def absorb(self, logits: Tensor, low: int, high: int, scratch: Tensor) -> Tensor | None:
        # log(1+e) as log(w) + (e-(w-1))/w with w = fl(1+e): torch.log1p is 5 to 8 times slower for tiny e.
        beyond = (logits - self.LARGE).clamp_min_(0).sum(0)
        small = torch.clamp(logits, max=self.LARGE, out=scratch).exp_()
        rounded = small + 1
        self.total += small.sub_(rounded - 1).div_(rounded).add_(rounded.log_()).sum(0) + beyond
        return None

    def slope(self, logits: Tensor, low: int, high: int) -> Tensor:
        return logits.sigmoid_()

    def plain(self, logits_BC: Tensor) -> Tensor:
        return torch.logaddexp(logits_BC, logits_BC.new_zeros(())).sum(1)


class Sum(Reduction):
    """Sum over the classes, [P]."""

    excluded = 0.0

    def absorb(self, logits: Tensor, low: int, high: int, scratch: Tensor) -> Tensor | None:
        self.total += logits.sum(0)
        return None

    def slope(self, logits: Tensor, low: int, high: int) -> Tensor:
        return logits.fill_(1.0)

    def plain(self, logits_BC: Tensor) -> Tensor:
        return logits_BC.sum(1)


class Max(Reduction):
    """The largest, [P], without gradient; -inf where there is none."""

    differentiable = False

    def begin(self, rows: int, classes: int, like: Tensor, bound: float) -> None:
        self.total = like.new_full((rows,), -math.inf)

    def absorb(self, logits: Tensor, low: int, high: int, scratch: Tensor) -> Tensor | None:
        self.total = torch.maximum(self.total, logits.amax(0))
        return None

    def slope(self, logits: Tensor, low: int, high: int) -> Tensor:
        return logits.zero_()

    def plain(self, logits_BC: Tensor) -> Tensor:
        return logits_BC.detach().amax(1)


class Columns(Reduction):
    """Sum over the classes of then(log sum exp over the rows), 0-d. A class without rows counts for
    nothing.
    """

    def __init__(self, then: ClassFunction) -> None:
        self.then = then

    def begin(self, rows: int, classes: int, like: Tensor, bound: float) -> None:
        self.columns = like.new_empty(classes)
        self.bounded = bound <= SAFE_EXPONENT

    def absorb(self, logits: Tensor, low: int, high: int, scratch: Tensor) -> Tensor | None:
        sums = torch.exp(logits, out=scratch).sum(1).log_() if self.bounded else logits.logsumexp(1)
        self.columns[low:high] = sums
        return None

    def slope(self, logits: Tensor, low: int, high: int) -> Tensor:
        columns = self.columns[low:high].detach().requires_grad_()
        with torch.enable_grad():
            (slopes,) = torch.autograd.grad(self._mapped(columns).sum(), columns)
        return logits.sub_(_finite(columns.detach())[:, None]).exp_().mul_(slopes[:, None])

    def value(self) -> Tensor:
        return self._mapped(self.columns).sum()

    def _mapped(self, columns: Tensor) -> Tensor:
        empty = columns.detach() == -math.inf
        return torch.where(empty, 0.0, self.then(torch.where(empty, 0.0, columns)))

    def plain(self, logits_BC: Tensor) -> Tensor:
        return self._mapped(logits_BC.logsumexp(0)).sum()


def _finite(peak: Tensor) -> Tensor:
    """`peak` with 0 for -inf, so that a row without any logit does not subtract infinity from infinity."""
    return peak.masked_fill(peak == -math.inf, 0.0)
