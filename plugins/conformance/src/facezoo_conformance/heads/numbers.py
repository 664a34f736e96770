"""Checks of what a head computes: gradients, extremes, order, dtypes, learning."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from facezoo.loss import HeadLoss
from facezoo_conformance.gradients import gradient_check
from facezoo_conformance.heads.case import LAYOUTS, SMALL, TINY, Case, Size, draw
from facezoo_conformance.heads.rules import case_check
from facezoo_conformance.rules import require

GROUP = "numbers"
LARGEST_GRADIENT = 1e6
EXTREMES = {"cos = 1": 3.0, "cos = -1": -3.0, "zero embeddings": 0.0, "short ones": 1e-3, "long ones": 1e3}
"""The first rows of a batch, as multiples of their class vectors."""


@case_check(GROUP)
def gradient(case: Case) -> None:
    """Gradients of embeddings and of every learned value equal finite differences in float64, in every
    layout; values under `facezoo.hold` stay put. No head can declare to fail it.
    """
    for layout in LAYOUTS:
        loss = case.loss(layout, torch.float64, TINY)
        try:
            gradient_check(loss, *draw(TINY, torch.float64), tolerance=3e-6)
        except AssertionError as error:
            require(False, f"{layout}: {error}; is a value detached without facezoo.hold?")


@case_check(GROUP)
def finite(case: Case) -> None:
    """Loss and gradients are finite, none above 1e6, with embeddings at cos = 1 and cos = -1 to their class,
    at zero, very short and very long; and so is the state after them.
    """
    for layout in LAYOUTS:
        for extreme, factor in EXTREMES.items():
            loss = case.loss(layout)
            embeddings, labels = draw(SMALL)
            own = loss.prototypes.weight[labels[:8]].detach()
            embeddings[:8] = factor * (own[:, 0] if own.ndim == 3 else own)
            _require_finite(loss, embeddings, labels, f"{layout}, {extreme}")


@case_check(GROUP)
def small_problems(case: Case) -> None:
    """A batch of one image, a batch of one class and a problem of two classes give a finite loss, finite
    gradients and a finite state.
    """
    for what, size, classes in (
        ("a batch of one image", Size(1, 37, 11), 37),
        ("a batch of one class", SMALL, 1),
        ("two classes", Size(6, 2, 11), 2),
    ):
        loss = case.loss(size=size)
        embeddings, labels = draw(size)
        _require_finite(loss, embeddings, labels % classes, what)


def _require_finite(loss: HeadLoss, embeddings: Tensor, labels: Tensor, where: str) -> None:
    """One training step's loss, gradients and state, and the loss after it."""
    grads = _step(loss, embeddings, labels)
    for name, grad in grads.items():
        largest = float(grad.abs().max())
        require(math.isfinite(largest), f"{where}: {name} is not finite")
        require(largest <= LARGEST_GRADIENT, f"{where}: {name} reaches {largest:.1e}")
    for name, tensor in loss.state_dict().items():
        sound = not tensor.is_floating_point() or bool(tensor.isfinite().all())
        require(sound, f"{where}: {name} is not finite after a step")
    require(math.isfinite(float(loss(embeddings, labels))), f"{where}: the next loss is not finite")


def _step(loss: HeadLoss, embeddings: Tensor, labels: Tensor) -> dict[str, Tensor]:
    """The loss and all gradients of one training step that does not move anything by itself."""
    rows = embeddings.detach().clone().requires_grad_()
    value = loss(rows, labels)
    value.backward()
    loss.after_step()
    grads = {f"gradient of {name}": p.grad for name, p in loss.named_parameters() if p.grad is not None}
    assert rows.grad is not None
    return {"the loss": value.detach(), "gradient of embeddings": rows.grad, **grads}


@case_check(GROUP)
def zero_rows(case: Case) -> None:
    """A zero embedding, which has no direction, gets no gradient."""
    for layout in LAYOUTS:
        embeddings, labels = draw(SMALL)
        embeddings[:8] = 0
        found = _step(case.loss(layout), embeddings, labels)["gradient of embeddings"][:8]
        require(bool((found == 0).all()), f"{layout}: its gradient reaches {float(found.abs().max()):.1e}")


@case_check(GROUP)
def permutation(case: Case) -> None:
    """The order of a batch changes neither the loss nor any gradient, but for their order."""
    embeddings, labels = draw(SMALL, torch.float64)
    order = torch.randperm(SMALL.batch, generator=torch.Generator().manual_seed(4))
    loss = case.loss(dtype=torch.float64).eval()
    expected = _step(loss, embeddings, labels)
    loss.zero_grad(set_to_none=True)
    found = _step(loss, embeddings[order], labels[order])
    expected["gradient of embeddings"] = expected["gradient of embeddings"][order]
    for name, reference in expected.items():
        gap = (found[name] - reference).norm() / (1 + reference.norm())
        require(bool(gap < 1e-9), f"{name} differs by {float(gap):.1e}")


@case_check(GROUP)
def dtype(case: Case) -> None:
    """The loss is float32, or float64 for a loss in float64; under autocast it is the same bit for bit, and
    embeddings in 16 bits are computed in float32.
    """
    embeddings, labels = draw(SMALL)
    double = case.loss(dtype=torch.float64)(embeddings.double(), labels)
    require(double.dtype == torch.float64, f"a loss in float64 gives {double.dtype}")
    loss = case.loss().eval()
    plain = loss(embeddings, labels)
    require(plain.dtype == torch.float32, f"a loss in float32 gives {plain.dtype}")
    with torch.autocast("cpu", dtype=torch.bfloat16):
        require(torch.equal(loss(embeddings, labels), plain), "autocast changes the loss")
    half = loss(embeddings.bfloat16(), labels)
    require(torch.equal(half, loss(embeddings.bfloat16().float(), labels)), "bfloat16 embeddings change it")


@case_check(GROUP)
def terms(case: Case) -> None:
    """The loss is one number, or the sum of named ones."""
    loss = case.loss()
    value = loss(*draw(SMALL))
    require(value.ndim == 0, f"the loss has shape {tuple(value.shape)}, not (): take its mean")
    for name, part in loss.terms.items():
        require(part.ndim == 0, f"term {name!r} has shape {tuple(part.shape)}, not ()")


@case_check(GROUP)
def figures(case: Case) -> None:
    """What the head says of itself is finite: `report` gives numbers by name, `threshold` one or None."""
    loss = case.loss()
    images = torch.bincount(draw(SMALL)[1], minlength=SMALL.classes)
    for name, figure in loss.report(images).items():
        require(math.isfinite(figure), f"report: {name!r} is {figure}")
    require(loss.threshold is None or math.isfinite(loss.threshold), f"threshold is {loss.threshold}")


@case_check(GROUP)
def learned_values(case: Case) -> None:
    """Every learned value of the head's own gets a gradient once the head is fully active."""
    if case.active:
        loss = case.loss()
        _step(loss, *draw(SMALL))
        for name, parameter in loss.head.named_parameters():
            moved = parameter.grad is not None and bool(parameter.grad.any())
            require(moved or not parameter.requires_grad, f"{name} gets no gradient")


@case_check(GROUP)
def learns(case: Case) -> None:
    """Twenty steps on one batch lower its loss: what was learned beats what it began with, in the state that
    the head is in after them.
    """
    loss = case.loss()
    embeddings, labels = draw(SMALL)
    rows = nn.Parameter(embeddings)
    learned = [rows, *loss.parameters()]
    began = [tensor.detach().clone() for tensor in learned]
    optimizer = torch.optim.Adam([*loss.param_groups(0.05, 0.0), {"params": [rows], "lr": 0.05}])
    for _ in range(20):
        optimizer.zero_grad()
        loss(rows, labels).backward()
        optimizer.step()
        loss.after_step()
    loss.eval()
    after = float(loss(rows, labels))
    with torch.no_grad():
        for tensor, first in zip(learned, began, strict=True):
            tensor.copy_(first)
    before = float(loss(rows, labels))
    require(after < before, f"the loss is {after:.6g} after them, {before:.6g} with what they began with")
