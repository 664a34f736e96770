"""Every head sketched in docs/protocol.md: all layouts agree, fresh and fully active, and gradients are
right."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import facezoo
from facezoo.engine.layout import Streamed
from facezoo.testing import AllocationMeter, gradient_check

PAGE = Path(__file__).parents[2] / "docs" / "protocol.md"


def sketched_heads() -> dict[str, type[nn.Module]]:
    names: dict[str, Any] = {"__name__": "docs.protocol"}
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S):
        exec(compile(block, str(PAGE), "exec"), names)
    return {name: each for name, each in names.items() if inspect.isclass(each) and hasattr(each, "loss")}


HEADS = sketched_heads()
BATCH, CLASSES, DIM = 24, 37, 11
TOLERANCE = {torch.float64: 1e-10, torch.float32: 1e-5}


def make(
    name: str, layout: str, dtype: torch.dtype, classes: int = CLASSES, dim: int = DIM
) -> facezoo.HeadLoss:
    context = facezoo.HeadContext(classes, dim, steps_per_epoch=1, total_steps=10)
    loss = facezoo.HeadLoss(HEADS[name](None, context), context, layout, name=name).to(dtype)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        drawn = torch.randn(loss.prototypes.weight.shape, generator=generator, dtype=torch.float64)
        loss.prototypes.weight.copy_(drawn)
    if isinstance(loss.layout, Streamed):
        loss.layout.block_elements = 16 * BATCH  # three blocks of classes, the last one short
    return loss


def problem(
    dtype: torch.dtype, batch: int = BATCH, classes: int = CLASSES, dim: int = DIM
) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(2)
    embeddings = 4 * torch.randn(batch, dim, generator=generator, dtype=torch.float64)
    labels = torch.randint(0, classes, (batch,), generator=generator)
    labels[3] = labels[2]
    return embeddings.to(dtype), labels


def activate(loss: facezoo.HeadLoss, embeddings: Tensor, labels: Tensor) -> None:
    """Two training calls: memories partly filled, statistics moved, schedules past their start."""
    for shift in (0, 5):
        loss(embeddings + 0.1 * shift, (labels + shift) % CLASSES)
        loss.after_step()
    loss.step.fill_(20)


def gradients(
    name: str, layout: str, dtype: torch.dtype, *, active: bool, reuse: bool = False
) -> dict[str, Tensor]:
    loss = make(name, layout, dtype)
    loss.reuse_gradient_buffer = reuse
    embeddings, labels = problem(dtype)
    if active:
        activate(loss, embeddings, labels)
    loss.eval()
    for _ in range(2):  # the second backward adds to the first one's gradients
        rows = embeddings.clone().requires_grad_()
        value = loss(rows, labels)
        value.backward()
    found = {n: torch.zeros_like(p) if p.grad is None else p.grad for n, p in loss.named_parameters()}
    return {"loss": value.detach(), "embeddings": rows.grad, **found}


@pytest.mark.parametrize("reuse", [False, True], ids=["autograd", "reused buffer"])
@pytest.mark.parametrize("active", [False, True], ids=["fresh", "active"])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["float64", "float32"])
@pytest.mark.parametrize("name", HEADS)
def test_streamed_equals_dense(name: str, dtype: torch.dtype, active: bool, reuse: bool) -> None:
    expected = gradients(name, "dense", dtype, active=active)
    found = gradients(name, "streamed", dtype, active=active, reuse=reuse)
    for part, reference in expected.items():
        gap = (found[part] - reference).norm()
        assert gap <= TOLERANCE[dtype] * reference.norm() + 1e-12, f"{part}: {gap / reference.norm():.1e}"


@pytest.mark.parametrize("layout", ["dense", "streamed"])
@pytest.mark.parametrize("name", HEADS)
def test_gradients_equal_finite_differences(name: str, layout: str) -> None:
    loss = make(name, layout, torch.float64, classes=7, dim=4)
    embeddings, labels = problem(torch.float64, batch=6, classes=7, dim=4)
    loss(embeddings, labels)
    loss.after_step()
    loss.step.fill_(20)
    gradient_check(loss, embeddings, labels, tolerance=3e-6)


@pytest.mark.parametrize("reuse", [False, True], ids=["autograd", "reused buffer"])
@pytest.mark.parametrize("name", HEADS)
def test_streaming_never_allocates_the_matrix(name: str, reuse: bool) -> None:
    batch, classes = 64, 1501  # more rows than dimensions: any B x C tensor is larger than the class vectors
    context = facezoo.HeadContext(classes, DIM, steps_per_epoch=1, total_steps=10)
    loss = facezoo.HeadLoss(HEADS[name](None, context), context, name=name)
    loss.layout.block_elements = 128 * batch
    loss.reuse_gradient_buffer = reuse
    embeddings, labels = problem(torch.float32, batch, classes)
    loss.step.fill_(20)
    with AllocationMeter() as meter:
        loss(embeddings.requires_grad_(), labels).backward()
        loss.after_step()
    assert meter.largest < 0.6 * batch * classes


@pytest.mark.parametrize("extreme", ["cosine 1", "cosine -1", "zero embedding"])
@pytest.mark.parametrize("layout", ["dense", "streamed"])
@pytest.mark.parametrize("name", HEADS)
def test_gradients_are_finite_at_the_extremes(name: str, layout: str, extreme: str) -> None:
    loss = make(name, layout, torch.float32)
    embeddings, labels = problem(torch.float32)
    activate(loss, embeddings, labels)
    own = loss.prototypes.weight[labels].detach()
    own = own[:, 0] if own.ndim == 3 else own
    embeddings[:8] = {"cosine 1": 3 * own[:8], "cosine -1": -3 * own[:8], "zero embedding": 0 * own[:8]}[
        extreme
    ]
    value = loss(embeddings.requires_grad_(), labels)
    value.backward()
    assert value.isfinite()
    for part in (embeddings.grad, *[p.grad for p in loss.parameters() if p.grad is not None]):
        assert part.isfinite().all()
        assert part.abs().max() < 1e6
    if extreme == "zero embedding":
        assert embeddings.grad[:8].abs().max() == 0
        assert loss.zero_embeddings == 8
