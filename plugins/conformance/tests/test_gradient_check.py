"""The gradient check finds one wrong entry among many, names it, and takes NaN for wrong."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from facezoo_conformance import gradient_check

ROWS, DIM = 6, 4


class Wrong(torch.autograd.Function):
    """The identity, whose gradient has something added to one entry."""

    @staticmethod
    def forward(ctx, rows: Tensor, added: float) -> Tensor:
        ctx.added = added
        return rows.clone()

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor, None]:
        found = grad.clone()
        found[2, 3] += ctx.added
        return found, None


class Loss(nn.Module):
    reuse_gradient_buffer = False

    def __init__(self, added: float) -> None:
        super().__init__()
        self.added = added
        self.weight = nn.Parameter(torch.linspace(-1, 1, DIM, dtype=torch.float64))

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        return (Wrong.apply(embeddings, self.added).sin() @ self.weight.exp()).sum()


def embeddings() -> Tensor:
    return torch.randn(ROWS, DIM, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def test_right_gradients_pass_and_nothing_is_moved():
    loss, rows = Loss(0.0), embeddings()
    before = [rows.clone(), loss.weight.detach().clone()]
    gradient_check(loss, rows, torch.zeros(ROWS, dtype=torch.long))
    assert torch.equal(rows, before[0])
    assert torch.equal(loss.weight, before[1])
    assert loss.training


@pytest.mark.parametrize("added", [1.0, -1e-4, 1e-5, math.inf, math.nan])
def test_one_wrong_entry_is_named(added: float):
    with pytest.raises(AssertionError, match=r"embeddings\[2, 3\]: gradient "):
        gradient_check(Loss(added), embeddings(), torch.zeros(ROWS, dtype=torch.long))


def test_what_is_within_the_tolerance_of_an_entry_passes():
    gradient_check(Loss(1e-4), embeddings(), torch.zeros(ROWS, dtype=torch.long), tolerance=1e-4)
