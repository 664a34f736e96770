"""Every installed head, with its paper's settings: layouts agree, fresh and fully active, without a B x C
tensor."""

from __future__ import annotations

import pytest
import torch

import facezoo
from facezoo.registry import installed_heads
from facezoo.testing import AllocationMeter
from support.layouts import DIM, Make, activate, assert_layouts_agree, problem

HEADS = [entry.name for entry in installed_heads() if entry.status == "ok"]


def maker(name: str) -> Make:
    def make(layout: str, classes: int, dim: int) -> facezoo.HeadLoss:
        return facezoo.build(name, classes=classes, dim=dim, layout=layout, steps_per_epoch=1, total_steps=10)

    return make


@pytest.mark.parametrize("reuse", [False, True], ids=["autograd", "reused buffer"])
@pytest.mark.parametrize("active", [False, True], ids=["fresh", "active"])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["float64", "float32"])
@pytest.mark.parametrize("name", HEADS)
def test_streamed_equals_dense(name: str, dtype: torch.dtype, active: bool, reuse: bool) -> None:
    assert_layouts_agree(maker(name), dtype, active=active, reuse=reuse)


@pytest.mark.parametrize("reuse", [False, True], ids=["autograd", "reused buffer"])
@pytest.mark.parametrize("name", HEADS)
def test_streaming_never_allocates_the_matrix(name: str, reuse: bool) -> None:
    batch, classes = 64, 1501
    loss = maker(name)("streamed", classes, DIM)
    loss.layout.block_elements = 128 * batch
    loss.reuse_gradient_buffer = reuse
    embeddings, labels = problem(torch.float32, batch, classes)
    activate(loss, embeddings, labels)
    with AllocationMeter() as meter:
        loss(embeddings.requires_grad_(), labels).backward()
        loss.after_step()
    assert meter.largest < 0.6 * batch * classes
