"""Every head sketched in docs/protocol.md: all layouts agree, fresh and fully active, and gradients are
right."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import facezoo
from facezoo.testing import AllocationMeter, gradient_check
from support.layouts import DIM, Make, activate, assert_layouts_agree, prepared, problem

PAGE = Path(__file__).parents[2] / "docs" / "protocol.md"


def sketched_heads() -> dict[str, type[nn.Module]]:
    names: dict[str, Any] = {"__name__": "docs.protocol"}
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S):
        exec(compile(block, str(PAGE), "exec"), names)
    return {name: each for name, each in names.items() if inspect.isclass(each) and hasattr(each, "loss")}


HEADS = sketched_heads()


def maker(name: str) -> Make:
    def make(layout: str, classes: int, dim: int) -> facezoo.HeadLoss:
        context = facezoo.HeadContext(classes, dim, steps_per_epoch=1, total_steps=10)
        return facezoo.HeadLoss(HEADS[name](None, context), context, layout, name=name)

    return make


@pytest.mark.parametrize("reuse", [False, True], ids=["autograd", "reused buffer"])
@pytest.mark.parametrize("active", [False, True], ids=["fresh", "active"])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["float64", "float32"])
@pytest.mark.parametrize("name", HEADS)
def test_streamed_equals_dense(name: str, dtype: torch.dtype, active: bool, reuse: bool) -> None:
    assert_layouts_agree(maker(name), dtype, active=active, reuse=reuse)


@pytest.mark.parametrize("layout", ["dense", "streamed"])
@pytest.mark.parametrize("name", HEADS)
def test_gradients_equal_finite_differences(name: str, layout: str) -> None:
    loss = prepared(maker(name), layout, torch.float64, classes=7, dim=4)
    embeddings, labels = problem(torch.float64, batch=6, classes=7, dim=4)
    activate(loss, embeddings, labels)
    gradient_check(loss, embeddings, labels, tolerance=3e-6)


@pytest.mark.parametrize("reuse", [False, True], ids=["autograd", "reused buffer"])
@pytest.mark.parametrize("name", HEADS)
def test_streaming_never_allocates_the_matrix(name: str, reuse: bool) -> None:
    batch, classes = 64, 1501  # more rows than dimensions: any B x C tensor is larger than the class vectors
    loss = maker(name)("streamed", classes, DIM)
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
    loss = prepared(maker(name), layout, torch.float32)
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
