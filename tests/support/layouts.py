"""One head in several layouts: the same small problem, fresh or fully active, and its gradients."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

import facezoo
from facezoo.engine.layout import Streamed

BATCH, CLASSES, DIM = 24, 37, 11
TOLERANCE = {torch.float64: 1e-10, torch.float32: 1e-5}
Make = Callable[[str, int, int], facezoo.HeadLoss]
"""(layout, classes, dim) -> a loss."""


def prepared(
    make: Make, layout: str, dtype: torch.dtype, classes: int = CLASSES, dim: int = DIM
) -> facezoo.HeadLoss:
    """The loss with prototypes off the unit sphere, streamed in three blocks of classes, the last one
    short."""
    loss = make(layout, classes, dim).to(dtype)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        drawn = torch.randn(loss.prototypes.weight.shape, generator=generator, dtype=torch.float64)
        loss.prototypes.weight.copy_(drawn)
    if isinstance(loss.layout, Streamed):
        loss.layout.block_elements = 16 * BATCH
    return loss


def problem(
    dtype: torch.dtype, batch: int = BATCH, classes: int = CLASSES, dim: int = DIM
) -> tuple[Tensor, Tensor]:
    """Embeddings [B, D] of norm about 4 sqrt(D), and labels with a duplicate."""
    generator = torch.Generator().manual_seed(2)
    embeddings = 4 * torch.randn(batch, dim, generator=generator, dtype=torch.float64)
    labels = torch.randint(0, classes, (batch,), generator=generator)
    labels[3] = labels[2]
    return embeddings.to(dtype), labels


def activate(loss: facezoo.HeadLoss, embeddings: Tensor, labels: Tensor) -> None:
    """Training calls past every start: memories partly filled, statistics moved, biases initialised."""
    for step, shift in enumerate((0, 5, 0)):
        loss.step.fill_(20 * step)
        loss(embeddings + 0.1 * shift, (labels + shift) % loss.context.classes)
        loss.after_step()


def gradients(
    make: Make, layout: str, dtype: torch.dtype, *, active: bool, reuse: bool = False
) -> dict[str, Tensor]:
    """The loss and all gradients after two backward passes, the second added to the first."""
    loss = prepared(make, layout, dtype)
    loss.reuse_gradient_buffer = reuse
    embeddings, labels = problem(dtype)
    if active:
        activate(loss, embeddings, labels)
    loss.eval()
    for _ in range(2):
        rows = embeddings.clone().requires_grad_()
        value = loss(rows, labels)
        value.backward()
    found = {n: torch.zeros_like(p) if p.grad is None else p.grad for n, p in loss.named_parameters()}
    return {"loss": value.detach(), "embeddings": rows.grad, **found}


def assert_layouts_agree(make: Make, dtype: torch.dtype, *, active: bool, reuse: bool) -> None:
    expected = gradients(make, "dense", dtype, active=active)
    found = gradients(make, "streamed", dtype, active=active, reuse=reuse)
    for part, reference in expected.items():
        gap = (found[part] - reference).norm()
        assert gap <= TOLERANCE[dtype] * reference.norm() + 1e-12, f"{part}: {gap / reference.norm():.1e}"
