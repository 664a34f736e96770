"""Logits of the other classes as elementwise functions of their cosines, and the derivatives of those.

A block is class-major: cosines [c, P] of c classes with P rows. What a logit depends on beside the cosine is
passed as an argument, never closed over: that is how the engine knows which way it runs and where its
gradient goes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import torch
from torch import Tensor

from facezoo.engine.classes import ClassTensor
from facezoo.errors import FacezooError

Value = float | Tensor | ClassTensor
CosineFunction = Callable[..., Tensor]


@dataclass(frozen=True)
class Argument:
    """A tensor that logits depend on, and the direction in which it runs along a block."""

    tensor: Tensor
    axis: Literal["none", "row", "class"]

    def block(self, tensor: Tensor, low: int, high: int) -> Tensor:
        """The part of `tensor` that belongs to classes [low, high), broadcastable to [c, P]."""
        if self.axis == "class":
            return tensor[low:high, None]
        return tensor[None, :] if self.axis == "row" else tensor

    def row_major(self, tensor: Tensor, low: int, high: int) -> Tensor:
        """The same, broadcastable to [P, c]."""
        block = self.block(tensor, low, high)
        return block.T if block.ndim else block

    def sum_into(self, total: Tensor, grad: Tensor, low: int, high: int) -> None:
        """Add a gradient with respect to a block's [c, P] uses of this argument to that of the whole
        tensor.
        """
        if self.axis == "class":
            total[low:high] += grad.sum(1)
        else:
            total += grad.sum(0) if self.axis == "row" else grad.sum()


def argument(value: Tensor | ClassTensor, rows: int) -> Argument:
    """`value` as an argument of logits with `rows` rows; raises `FacezooError` for a shape that has no
    meaning.
    """
    if isinstance(value, ClassTensor):
        return Argument(value.values, "class")
    if value.ndim == 0:
        return Argument(value, "none")
    if value.shape == (rows,):
        return Argument(value, "row")
    raise FacezooError(
        f"an argument of shape {tuple(value.shape)} does not fit logits of {rows} rows",
        "pass a number, a 0-d tensor, one value per row, or a ClassParameter or ClassBuffer",
    )


Pull = Callable[[Tensor, Callable[[int, Tensor], None]], Tensor]
"""pull(grad, add): the gradient of a block's logits [c, P] -> that of its cosines, after add(n, grad [c, P])
for every wanted argument. May overwrite what it is given."""


class Logits(Protocol):
    """logits = f(cosines, arguments), elementwise."""

    @property
    def arguments(self) -> Sequence[Argument]: ...

    def value(self, cos: Tensor, args: Sequence[Tensor], out: Tensor) -> Tensor:
        """The logits of a block of cosines, written to `out`."""
        ...

    def linearise(self, cos: Tensor, args: Sequence[Tensor], wanted: Sequence[bool], out: Tensor) -> Pull:
        """Write the logits to `out`, and return the map that pulls a gradient back."""
        ...

    def plain(self, cos_BC: Tensor, args: Sequence[Tensor]) -> Tensor:
        """The same in ordinary differentiable operations, row-major."""
        ...

    def bound(self) -> float:
        """No logit is larger than this in magnitude; infinite where that is not known."""
        ...


class Affine:
    """scale * cos + shift in closed form; most heads need nothing else."""

    arguments: Sequence[Argument]

    def __init__(self, scale: Value, shift: Value, rows: Tensor) -> None:
        self.scale, self.shift = scale, shift
        self.arguments = [
            argument(part, len(rows)) for part in (scale, shift) if not isinstance(part, float | int)
        ]

    def _parts(self, args: Sequence[Tensor]) -> tuple[float | Tensor, float | Tensor]:
        rest = iter(args)
        scale = self.scale if isinstance(self.scale, float | int) else next(rest)
        return scale, self.shift if isinstance(self.shift, float | int) else next(rest)

    def value(self, cos: Tensor, args: Sequence[Tensor], out: Tensor) -> Tensor:
        scale, shift = self._parts(args)
        torch.mul(cos, scale, out=out)
        return out if isinstance(shift, float | int) and shift == 0 else out.add_(shift)

    def linearise(self, cos: Tensor, args: Sequence[Tensor], wanted: Sequence[bool], out: Tensor) -> Pull:
        self.value(cos, args, out)
        scale, _ = self._parts(args)

        def pull(grad: Tensor, add: Callable[[int, Tensor], None]) -> Tensor:
            for number, want in enumerate(wanted):
                if want:
                    add(number, grad * cos if number == 0 and isinstance(scale, Tensor) else grad)
            return grad.mul_(scale)

        return pull

    def plain(self, cos_BC: Tensor, args: Sequence[Tensor]) -> Tensor:
        scale, shift = self._parts(args)
        return scale * cos_BC + shift

    def bound(self) -> float:
        return _largest(self.scale) + _largest(self.shift)


def _largest(value: Value) -> float:
    if isinstance(value, float | int):
        return abs(value)
    tensor = value.values if isinstance(value, ClassTensor) else value
    return float(tensor.detach().abs().max()) if tensor.numel() else 0.0


class Elementwise:
    """Any function of the cosine in plain PyTorch, differentiated inside the block."""

    arguments: Sequence[Argument]

    def __init__(self, function: CosineFunction, args: Sequence[Value], rows: Tensor) -> None:
        self.function = function
        self.arguments = [
            argument(rows.new_tensor(part) if isinstance(part, float | int) else part, len(rows))
            for part in args
        ]
        self._check(rows)

    def _check(self, rows: Tensor) -> None:
        """Try the function on one class: its shape, and that no tensor reaches it behind the engine's
        back.
        """
        args = [part.row_major(part.tensor.detach(), 0, 1) for part in self.arguments]
        cos = rows.new_zeros(len(rows), 1).requires_grad_()
        with torch.enable_grad():
            result = self.function(cos, *args)
        if getattr(result, "shape", None) != cos.shape:
            found = _described(result)
            raise FacezooError(
                f"a function of the cosine returned {found} for cosines of shape {tuple(cos.shape)}",
                "it must be elementwise: as many logits as cosines",
            )
        if _reaches_other_leaves(result, cos):
            raise FacezooError(
                "a function of the cosine uses a tensor that needs a gradient and was not passed to it",
                "its gradient would be lost: pass it after the function, as in logsumexp(function, tensor)",
            )

    def value(self, cos: Tensor, args: Sequence[Tensor], out: Tensor) -> Tensor:
        return out.copy_(self.function(cos.T, *[part.T if part.ndim else part for part in args]).T)

    def linearise(self, cos: Tensor, args: Sequence[Tensor], wanted: Sequence[bool], out: Tensor) -> Pull:
        with torch.enable_grad():
            # Expanded, an argument's gradient comes back for every use, and the caller may weigh rows before
            # summing.
            leaves = [cos.detach()] + [part.expand_as(cos).detach() for part in args]
            chosen = [
                leaf.requires_grad_() for leaf, want in zip(leaves, [True, *wanted], strict=True) if want
            ]
            logits = self.function(leaves[0].T, *[part.T for part in leaves[1:]])
        out.copy_(logits.detach().T)

        def pull(grad: Tensor, add: Callable[[int, Tensor], None]) -> Tensor:
            if not logits.requires_grad:
                return grad.zero_()
            to_cos, *to_args = torch.autograd.grad(logits, chosen, grad.T, materialize_grads=True)
            for number, part in zip(
                [number for number, want in enumerate(wanted) if want], to_args, strict=True
            ):
                add(number, part)
            return to_cos

        return pull

    def plain(self, cos_BC: Tensor, args: Sequence[Tensor]) -> Tensor:
        return self.function(cos_BC, *args)

    def bound(self) -> float:
        return float("inf")


def _described(result: object) -> str:
    return f"shape {tuple(result.shape)}" if isinstance(result, Tensor) else type(result).__name__


def _reaches_other_leaves(result: Tensor, own: Tensor) -> bool:
    nodes = [result.grad_fn] if result.grad_fn is not None else []
    known = set(nodes)
    while nodes:
        node = nodes.pop()
        variable = getattr(node, "variable", None)
        if variable is not None and variable is not own:
            return True
        fresh = [after for after, _ in node.next_functions if after is not None and after not in known]
        known.update(fresh)
        nodes.extend(fresh)
    return False


def make_logits(
    function: CosineFunction | None,
    args: Sequence[Value],
    scale: Value,
    shift: Value,
    rows: Tensor,
) -> Logits:
    """The closed form, or a function where one is given, for `rows` [P, D]."""
    if function is None:
        return Affine(scale, shift, rows)
    plain = all(isinstance(part, float | int) for part in (scale, shift)) and (scale, shift) == (1.0, 0.0)
    if not plain:
        raise FacezooError("logits are a function of the cosine or scale and shift, not both")
    return Elementwise(function, args, rows)
