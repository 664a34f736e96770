"""Checks of what a head remembers, and of what it must leave alone."""

from __future__ import annotations

import torch
from safetensors.torch import load, save
from torch import Tensor

from facezoo.loss import HeadLoss
from facezoo_conformance.heads.case import SMALL, Case, draw
from facezoo_conformance.heads.rules import case_check
from facezoo_conformance.judging import settled_generator
from facezoo_conformance.rules import require

GROUP = "state"


def _train(loss: HeadLoss, steps: int) -> list[Tensor]:
    """The losses of some steps of plain gradient descent, each on another batch."""
    losses = []
    for _ in range(steps):
        embeddings, labels = draw(SMALL)
        shift = int(loss.step) % 7
        rows = (embeddings + 0.1 * shift).requires_grad_()
        value = loss(rows, (labels + shift) % SMALL.classes)
        loss.zero_grad(set_to_none=True)
        value.backward()
        with torch.no_grad():
            for parameter in loss.parameters():
                if parameter.grad is not None:
                    parameter.sub_(0.01 * parameter.grad)
        loss.after_step()
        losses.append(value.detach())
    return losses


def _copy(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in state.items()}


def _require_same(found: dict[str, Tensor], expected: dict[str, Tensor], what: str) -> None:
    names = sorted(found.keys() ^ expected.keys())
    require(not names, f"{what}: {', '.join(names)} comes or goes")
    moved = [name for name, tensor in expected.items() if not torch.equal(found[name], tensor)]
    require(not moved, f"{what}: {', '.join(moved)}")


def _require_same_losses(found: list[Tensor], expected: list[Tensor], what: str) -> None:
    for step, (one, two) in enumerate(zip(found, expected, strict=True), 1):
        require(torch.equal(one, two), f"{what}: {float(one):.9g} and {float(two):.9g} at step {step}")


@case_check(GROUP)
def inputs_kept(case: Case) -> None:
    """A training step leaves the caller's embeddings and labels, and the class vectors, as they were."""
    loss = case.loss()
    embeddings, labels = draw(SMALL)
    kept = {"embeddings": embeddings, "labels": labels, "prototypes": loss.prototypes.weight.detach()}
    before = _copy(kept)
    loss(embeddings.requires_grad_(), labels).backward()
    loss.after_step()
    _require_same({**kept, "embeddings": embeddings.detach()}, before, "changed in place")


@case_check(GROUP)
def read_only(case: Case) -> None:
    """Evaluation mode changes no state."""
    loss = case.loss().eval()
    before = _copy(loss.state_dict())
    embeddings, labels = draw(SMALL)
    loss(embeddings.requires_grad_(), labels).backward()
    _require_same(loss.state_dict(), before, "changed in evaluation mode")


@case_check(GROUP)
def saving(case: Case) -> None:
    """The state consists of finite tensors that go through safetensors and come back bit for bit."""
    loss = case.loss()
    _train(loss, 1)
    state = loss.state_dict()
    others = [name for name, value in state.items() if not isinstance(value, Tensor)]
    require(not others, f"not tensors: {', '.join(others)}")
    broken = [n for n, part in state.items() if part.is_floating_point() and not part.isfinite().all()]
    require(not broken, f"not finite, so that a checkpoint is refused: {', '.join(broken)}")
    _require_same(load(save(state)), state, "another after saving")


@case_check(GROUP)
def resume(case: Case) -> None:
    """A state saved half-way and loaded into a new loss goes on bit for bit."""
    first, second = case.loss(), case.loss(randomness=1)
    _train(first, 3)
    second.load_state_dict(_copy(first.state_dict()))
    _require_same_losses(_train(second, 3), _train(first, 3), "the loss goes on otherwise")
    _require_same(second.state_dict(), first.state_dict(), "other than without the break")


@case_check(GROUP)
def deterministic(case: Case) -> None:
    """Two losses of one seed stay equal bit for bit, whatever the state of torch's global generator."""
    losses = []
    for randomness in (0, 1):
        loss = case.loss(randomness=randomness)
        with settled_generator(randomness):
            losses.append((loss, _train(loss, 3)))
    (first, expected), (second, found) = losses
    _require_same_losses(found, expected, "the loss depends on the global generator (take batch.generator)")
    _require_same(second.state_dict(), first.state_dict(), "state depends on the global generator")
