"""Checks that every layout gives the same loss and gradients, and needs little memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

import torch
from torch import Tensor

from facezoo.engine.layout import Streamed
from facezoo_conformance.allocation import AllocationMeter
from facezoo_conformance.heads.case import SMALL, Case, Size, draw
from facezoo_conformance.heads.rules import case_check
from facezoo_conformance.rules import require

GROUP = "layouts"
TOLERANCE = {torch.float64: 1e-10, torch.float32: 1e-5}
FEW, MANY = Size(64, 521, 4), Size(64, 2053, 4)

Gradients = Callable[[Case, torch.dtype], dict[str, Tensor]]
"""The loss and all gradients of one problem, `case.loss` in one layout, by name."""


def gradients(case: Case, dtype: torch.dtype, *, layout: str, reuse: bool = False) -> dict[str, Tensor]:
    """The loss and all gradients after two backward passes, the second added to the first."""
    loss = case.loss(layout, dtype, reuse=reuse).eval()
    embeddings, labels = draw(SMALL, dtype)
    rows = embeddings.requires_grad_()
    for _ in range(2):
        value = loss(rows, labels)
        value.backward()
    found = {
        name: torch.zeros_like(part) if part.grad is None else part.grad
        for name, part in [("embeddings", rows), *loss.named_parameters()]
    }
    return {"the loss": value.detach(), **found}


WAYS: Final[Mapping[str, Gradients]] = {
    "streamed": partial(gradients, layout="streamed"),
    "streamed with a reused buffer": partial(gradients, layout="streamed", reuse=True),
}
"""Ways to compute that must agree with the dense layout, by name."""


@case_check(GROUP)
def layouts(case: Case) -> None:
    """Every layout gives the same loss and gradients as `dense`: to 1e-10 in float64, 1e-5 in float32."""
    for dtype, tolerance in TOLERANCE.items():
        expected = gradients(case, dtype, layout="dense")
        for way, compute in WAYS.items():
            found = compute(case, dtype)
            for name, reference in expected.items():
                gap, size = (found[name] - reference).norm(), reference.norm()
                message = f"{way}, {dtype}: {name} is {float(gap):.1e} from dense {float(size):.1e}"
                require(bool(gap <= tolerance * size + 1e-12), message)


@case_check(GROUP)
def no_matrix(case: Case) -> None:
    """Streamed, no tensor grows like batch x classes."""
    for reuse in (False, True):
        growth = _largest(case, MANY, reuse) - _largest(case, FEW, reuse)
        matrix = MANY.batch * (MANY.classes - FEW.classes)
        require(
            growth < 0.5 * matrix,
            f"{MANY.classes - FEW.classes} more classes add {growth} elements to the largest tensor, "
            f"the matrix would add {matrix}",
        )


def _largest(case: Case, size: Size, reuse: bool) -> int:
    """The elements of the largest tensor that one training step makes."""
    loss = case.loss(size=size, reuse=reuse)
    assert isinstance(loss.layout, Streamed)
    loss.layout.block_elements = 512 * size.batch
    embeddings, labels = draw(size)
    with AllocationMeter() as meter:
        loss(embeddings.requires_grad_(), labels).backward()
        loss.after_step()
    return meter.largest
