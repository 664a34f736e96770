"""The loss module as a library user meets it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import facezoo
from facezoo import ClassParameter, FacezooError

CLASSES, DIM = 13, 8


class Bounded(nn.Module):
    """A head with everything that optimiser groups and saving must know."""

    decay = frozenset({"decayed"})

    def __init__(self, context: facezoo.HeadContext) -> None:
        super().__init__()
        self.margin = context.parameter(0.3, bounds=(0.0, 0.5), lr=0.1)
        self.plain, self.decayed = nn.Parameter(torch.ones(())), nn.Parameter(torch.ones(()))
        self.memory = context.memory()
        self.calls: list[int] = []

    def before_loss(self, batch: facezoo.Batch, scores: facezoo.Scores) -> None:
        assert not torch.is_grad_enabled()
        self.calls.append(batch.step)

    def loss(self, batch: facezoo.Batch, scores: facezoo.Scores) -> dict[str, Tensor]:
        target = 8 * (scores.target - scores.take(self.margin)) * self.plain * self.decayed
        return {"softmax": scores.softmax(target, scale=8.0).mean(), "pull": 0.1 * batch.norms.mean()}

    def after_step(self, batch: facezoo.Batch) -> None:
        self.memory.write(batch.labels, batch.unit, batch.step)


@pytest.fixture
def loss() -> facezoo.HeadLoss:
    context = facezoo.HeadContext(CLASSES, DIM)
    return facezoo.HeadLoss(Bounded(context), context, name="bounded")


def draw(batch: int = 6) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(batch, DIM, generator=generator), torch.randint(
        0, CLASSES, (batch,), generator=generator
    )


def test_two_lines_in_a_loop() -> None:
    loss = facezoo.build("cosface", classes=CLASSES, dim=DIM)
    value = loss(*draw())
    assert value.ndim == 0
    assert value.requires_grad
    assert list(loss.terms) == ["loss"]
    assert not loss.terms["loss"].requires_grad


def test_parts_sum_to_the_loss(loss: facezoo.HeadLoss) -> None:
    value = loss(*draw())
    assert set(loss.terms) == {"softmax", "pull"}
    assert value.item() == pytest.approx(sum(part.item() for part in loss.terms.values()))


def test_training_calls_are_counted_and_saved(loss: facezoo.HeadLoss) -> None:
    for _ in range(3):
        loss(*draw())
    loss.eval()
    loss(*draw())
    assert loss.head.calls == [0, 1, 2]
    assert loss.state_dict()["step"] == 3


def test_a_batch_is_remembered_after_its_step_or_before_the_next_use(loss: facezoo.HeadLoss) -> None:
    rows, labels = draw()
    loss(rows, labels)
    assert not loss.head.memory.seen.any()
    loss.after_step()
    assert loss.head.memory.seen.nonzero().flatten().tolist() == sorted(set(labels.tolist()))
    loss(rows, (labels + 1) % CLASSES)
    assert loss.state_dict()["head.memory.seen"].sum() > len(set(labels.tolist()))


def test_state_survives_a_round_trip(loss: facezoo.HeadLoss) -> None:
    loss(*draw()).backward()
    context = facezoo.HeadContext(CLASSES, DIM, seed=9)
    other = facezoo.HeadLoss(Bounded(context), context)
    other.load_state_dict(loss.state_dict())
    loss.eval(), other.eval()
    assert torch.equal(loss(*draw()), other(*draw()))
    assert other.step == 1


def test_param_groups_know_decay_and_learning_rates(loss: facezoo.HeadLoss) -> None:
    groups = {group["name"]: group for group in loss.param_groups(lr=0.2, weight_decay=5e-4)}
    assert {name: (group["lr"], group["weight_decay"]) for name, group in groups.items()} == {
        "prototypes": (0.2, 5e-4),
        "margin": (pytest.approx(0.02), 0.0),
        "plain": (0.2, 0.0),
        "decayed": (0.2, 5e-4),
    }
    in_groups = [id(tensor) for group in groups.values() for tensor in group["params"]]
    assert sorted(in_groups) == sorted(id(tensor) for tensor in loss.parameters())


def test_bounds_are_kept_after_the_step_and_missed_without_it(loss: facezoo.HeadLoss) -> None:
    with torch.no_grad():
        loss.head.margin.values[3] = 0.9
    with pytest.raises(FacezooError, match="'margin' is outside its bounds") as caught:
        loss(*draw())
    assert "after_step" in caught.value.hint
    loss.after_step()
    assert loss.head.margin.values.max() == 0.5
    loss(*draw())


def test_a_value_on_a_bound_that_float32_rounds_up_stays_admitted_in_float64() -> None:
    parameter = ClassParameter(torch.full((3,), 0.9), bounds=(0.0, 0.8))
    parameter.project()
    assert parameter.values.max().item() > 0.8  # as float32 has it
    assert parameter.double().within_bounds()
    with torch.no_grad():
        parameter.values.add_(1e-6)
    assert not parameter.within_bounds()


@pytest.mark.parametrize(
    ("rows", "labels", "message"),
    [
        (torch.randn(4, DIM + 1), torch.zeros(4, dtype=torch.long), r"expected floating \[B, 8\]"),
        (torch.zeros(4, DIM, dtype=torch.long), torch.zeros(4, dtype=torch.long), r"expected floating"),
        (torch.randn(4, DIM), torch.zeros(3, dtype=torch.long), "one integer per embedding"),
        (torch.randn(4, DIM), torch.zeros(4), "one integer per embedding"),
        (torch.randn(0, DIM), torch.zeros(0, dtype=torch.long), "at least one"),
        (torch.randn(2, DIM), torch.tensor([0, CLASSES]), "13 is not a class id of 0 to 12"),
        (torch.randn(2, DIM), torch.tensor([-1, 0]), "-1 is not a class id"),
        (
            torch.randn(2, DIM),
            torch.tensor([True, False]),
            "one integer per embedding.*bool",
        ),
        (torch.randn(2, DIM).numpy(), torch.tensor([0, 1]), "embeddings: expected a tensor, got a ndarray"),
        (torch.randn(2, DIM), [0, 1], "labels: expected a tensor, got a list"),
        (
            torch.randn(2, DIM, device="meta"),
            torch.tensor([0, 1]),
            "they are on meta, and the loss on cpu",
        ),
        (torch.full((2, DIM), torch.nan), torch.tensor([0, 1]), "2 of 2 rows are not finite"),
    ],
)
def test_bad_input_is_named(loss: facezoo.HeadLoss, rows: Tensor, labels: Tensor, message: str) -> None:
    with pytest.raises(FacezooError, match=message):
        loss(rows, labels)
    assert loss.step == 0


def test_a_length_that_is_needed_and_missing_is_an_error() -> None:
    with pytest.raises(FacezooError, match="steps_per_epoch") as caught:
        facezoo.HeadContext(CLASSES, DIM).steps(epochs=1.5)
    assert "steps_per_epoch" in caught.value.hint
    assert (
        facezoo.HeadContext(CLASSES, DIM, steps_per_epoch=10, total_steps=100).steps(epochs=1.5, fraction=0.1)
        == 25
    )


@pytest.mark.parametrize(
    ("length", "steps"), [(0, 0), (0.25, 10), (0.999, 40), (1, 1), (1.0, 1), (200.0, 200)]
)
def test_a_length_is_whole_steps_or_below_1_a_fraction_of_the_run(length: float, steps: int) -> None:
    assert facezoo.HeadContext(CLASSES, DIM, total_steps=40).steps(length) == steps


def test_only_a_fraction_of_the_run_asks_how_long_the_run_is() -> None:
    context = facezoo.HeadContext(CLASSES, DIM)
    assert (context.steps(0), context.steps(8000)) == (0, 8000)
    with pytest.raises(FacezooError, match=r"0\.1.*total_steps is not known") as caught:
        context.steps(0.1)
    assert caught.value.hint == "pass total_steps=... to facezoo.build, or give the setting in whole steps"


def test_one_class_is_not_a_problem_to_learn() -> None:
    with pytest.raises(FacezooError, match="at least 2 classes"):
        facezoo.build("cosface", classes=1, dim=DIM)


@pytest.mark.parametrize("size", [(10.0, 4), ("10", 4), (9, True)])
def test_how_large_it_is_is_whole_numbers(size: tuple[int, int]) -> None:
    with pytest.raises(FacezooError, match="must be a whole number; it is"):
        facezoo.build("cosface", classes=size[0], dim=size[1])


def test_numpys_numbers_are_whole_too() -> None:
    assert facezoo.build("cosface", classes=np.int64(9), dim=np.int32(4)).prototypes.weight.shape == (9, 4)


def test_class_vectors_are_never_lowered(loss: facezoo.HeadLoss) -> None:
    nn.Sequential(loss).half()
    loss.to(torch.bfloat16)
    assert {tensor.dtype for tensor in loss.parameters()} == {torch.float32}
    assert loss.head.memory.rows.dtype == torch.float32
    assert loss.double().prototypes.weight.dtype == torch.float64


def test_autocast_changes_nothing(loss: facezoo.HeadLoss) -> None:
    loss.eval()
    rows, labels = draw()
    expected = loss(rows, labels)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rows.requires_grad_()
        found = loss(rows, labels)
        found.backward()
    assert found.dtype == torch.float32
    assert torch.equal(found, expected)


def test_half_embeddings_are_computed_in_float32(loss: facezoo.HeadLoss) -> None:
    rows, labels = draw()
    rows = rows.bfloat16().requires_grad_()
    value = loss(rows, labels)
    value.backward()
    assert value.dtype == torch.float32
    assert rows.grad.dtype == torch.bfloat16


def test_gradients_of_prototypes_have_ordinary_semantics(loss: facezoo.HeadLoss) -> None:
    loss.eval()
    rows, labels = draw()
    rows.requires_grad_()
    weight, value = loss.prototypes.weight, loss(rows, labels)
    torch.autograd.grad(value, rows, retain_graph=True)
    (once,) = torch.autograd.grad(value, weight, retain_graph=True)
    value.backward(retain_graph=True)
    value.backward()
    assert weight.grad is not None
    assert torch.allclose(weight.grad, 2 * once)


def test_a_frozen_backbone_still_trains_prototypes(loss: facezoo.HeadLoss) -> None:
    loss(*draw()).backward()
    assert loss.prototypes.weight.grad is not None


def test_frozen_prototypes_get_no_gradient(loss: facezoo.HeadLoss) -> None:
    loss.prototypes.weight.requires_grad_(False)
    rows, labels = draw()
    loss(rows.requires_grad_(), labels).backward()
    assert loss.prototypes.weight.grad is None
    assert rows.grad.norm() > 0


def test_a_step_between_forward_and_backward_is_an_error(loss: facezoo.HeadLoss) -> None:
    value = loss(*draw())
    with torch.no_grad():
        loss.prototypes.weight.add_(1.0)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        value.backward()


@pytest.mark.parametrize("order", ["one by one", "both first", "backwards"])
def test_the_reused_buffer_gives_the_same_gradients_in_any_order(order: str) -> None:
    found = []
    for reuse in (False, True):
        loss = facezoo.build("arcface", classes=CLASSES, dim=DIM)
        loss.reuse_gradient_buffer = reuse
        for _ in range(2):  # the second round finds a used buffer
            loss.zero_grad(set_to_none=True)
            rows, labels = draw()
            if order == "one by one":
                loss(rows, labels).backward()
                loss(2 - rows, labels).backward()
            else:
                values = [loss(rows, labels), loss(2 - rows, labels)]
                for value in values if order == "both first" else reversed(values):
                    value.backward()
        found.append(loss.prototypes.weight.grad.clone())
    assert found[0].norm() > 0
    assert (found[0] - found[1]).norm() < 1e-6 * found[0].norm()


@pytest.mark.parametrize("layout", ["streamed", "dense"])
def test_scores_are_those_that_the_head_is_given(layout: str) -> None:
    loss = facezoo.build("cosface", classes=7, dim=5, layout=layout, seed=1)
    rows, labels = torch.randn(4, 5, dtype=torch.float64), torch.tensor([0, 6, 6, 3], dtype=torch.int32)
    scores = loss.scores(rows, labels)
    cos_BC = torch.nn.functional.cosine_similarity(
        rows.float()[:, None], loss.prototypes.weight.detach(), dim=2
    )
    assert scores.classes == 7
    assert scores.labels.tolist() == [0, 6, 6, 3]
    torch.testing.assert_close(scores.target.detach(), cos_BC[range(4), labels.long()])
    others = cos_BC.scatter(1, labels.long()[:, None], -2)
    torch.testing.assert_close(scores.max().detach(), others.amax(1))
