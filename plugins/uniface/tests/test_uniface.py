"""UniFace against a reference that loops over samples and classes, and the oracles of its papers."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn.functional import normalize, one_hot

import facezoo
from facezoo.testing import gradient_check

SETTINGS = {"scale": 12.0, "margin": 0.3, "negative_weight": 0.7}
VARIANTS = ["unified", "diverse"]


def started(make, batch, **settings):
    """A loss whose bias has met data, and differs by class where it may."""
    loss = make("uniface", **{**SETTINGS, **settings})
    loss(*batch(loss, seed=4))
    values = loss.head.biases
    if values.ndim:
        with torch.no_grad():
            values.add_(torch.linspace(-3, 3, len(values), dtype=torch.float64))
    return loss


def sigmoid(value):
    return 1 / (1 + math.exp(-value))


def slow(cosines, embeddings, weight, labels, biases, scale=12.0, margin=0.3, negatives=0.7):
    total, biases = 0.0, biases.expand(len(weight))
    for row, label in zip(cosines(embeddings, weight), labels.tolist(), strict=True):
        for column, cos in enumerate(row):
            if column == label:
                total = total + torch.log1p(torch.exp(biases[column] - scale * (cos - margin)))
            else:
                total = total + negatives * torch.log1p(torch.exp(scale * cos - biases[column]))
    return total / len(labels)


@pytest.mark.parametrize("settings", [{}, {"scale": 5.0, "margin": 0.0, "negative_weight": 1.0}])
@pytest.mark.parametrize("bias", VARIANTS)
def test_equals_reference(make, batch, agrees, cosines, bias, settings):
    loss = started(make, batch, bias=bias, **settings)
    scale, margin, negatives = {**SETTINGS, **settings}.values()

    def reference(embeddings, weight, labels, biases):
        return slow(cosines, embeddings, weight, labels, biases, scale, margin, negatives)

    agrees(loss, reference, batch(loss), [loss.head.biases])
    assert set(loss.terms) == {"genuine", "impostor"}


@pytest.mark.parametrize("bias", VARIANTS)
def test_the_bias_starts_from_the_first_batch_once(make, batch, cosines, bias):
    loss = make("uniface", bias=bias, **SETTINGS)
    assert loss.threshold is None
    embeddings, labels = batch(loss)
    loss(embeddings, labels)
    levels = []
    for row, label in zip(cosines(embeddings, loss.prototypes.weight).tolist(), labels.tolist(), strict=True):
        levels.append(math.log(sum(math.exp(12 * cos) for column, cos in enumerate(row) if column != label)))
    expected = pytest.approx(sum(levels) / len(levels), rel=1e-12)
    assert all(value == expected for value in loss.head.biases.detach().view(-1).tolist())
    loss(*batch(loss, seed=1))
    assert loss.head.biases.detach().max().item() == expected


def test_oracle_the_start_of_casia_webface_is_the_published_one():
    """(1/64) log-sum-exp over 10,572 random directions in 512 dimensions: 0.2061."""
    loss = facezoo.build("uniface", classes=10_572, dim=512)
    loss(torch.randn(8, 512, generator=torch.Generator().manual_seed(0)), torch.arange(8))
    assert loss.threshold == pytest.approx(0.2061, abs=5e-4)


@pytest.mark.parametrize("bias", VARIANTS)
def test_oracle_bias_gradient(make, batch, cosines, bias):
    """∂L/∂b_j: σ(b - s(c - m)) where j is the own class, -λ σ(s c - b) where it is another."""
    loss = started(make, batch, bias=bias)
    embeddings, labels = batch(loss)
    (found,) = torch.autograd.grad(loss(embeddings, labels), loss.head.biases)
    biases = loss.head.biases.detach().expand(37).tolist()
    expected = [0.0] * 37
    for row, label in zip(cosines(embeddings, loss.prototypes.weight).tolist(), labels.tolist(), strict=True):
        for column, cos in enumerate(row):
            own = sigmoid(biases[column] - 12 * (cos - 0.3))
            other = -0.7 * sigmoid(12 * cos - biases[column])
            expected[column] += (own if column == label else other) / 24
    expected = sum(expected) if bias == "unified" else expected
    assert found.tolist() == pytest.approx(expected, rel=1e-10)


def test_oracle_alike_biases_give_the_unified_value_and_their_gradients_sum_to_its(make, batch):
    unified, diverse = (started(make, batch, bias="unified"), make("uniface", bias="diverse", **SETTINGS))
    diverse(*batch(diverse, seed=4))
    one, many = unified(*batch(unified)), diverse(*batch(diverse))
    assert one.item() == pytest.approx(many.item(), rel=1e-12)
    (slope,) = torch.autograd.grad(one, unified.head.bias)
    (slopes,) = torch.autograd.grad(many, diverse.head.bias.values)
    assert slopes.sum().item() == pytest.approx(slope.item(), rel=1e-10)


def test_oracle_two_classes_are_a_sum_of_binary_cross_entropies():
    loss = facezoo.build("uniface", classes=2, dim=4, scale=8.0, margin=0.1).double()
    embeddings, labels = torch.randn(6, 4, dtype=torch.float64), torch.tensor([0, 1, 1, 0, 0, 1])
    loss(embeddings, labels)
    targets = one_hot(labels, 2).double()
    cos = normalize(embeddings, dim=1) @ normalize(loss.prototypes.weight.detach(), dim=1).T
    logits = 8 * (cos - 0.1 * targets) - loss.head.bias.detach()
    expected = torch.nn.functional.binary_cross_entropy_with_logits(logits, targets, reduction="sum") / 6
    assert loss(embeddings, labels).item() == pytest.approx(expected.item(), rel=1e-12)


def test_the_threshold_is_the_unified_bias_as_a_cosine(make, batch):
    loss = started(make, batch)
    assert loss.threshold == pytest.approx(loss.head.bias.item() / 12)
    assert loss.report(torch.ones(37, dtype=torch.int64)) == {"threshold": loss.threshold}


def test_diverse_biases_are_no_threshold_and_reported_by_their_ends(make, batch):
    loss = started(make, batch, bias="diverse")
    assert loss.threshold is None
    figures = loss.report(torch.ones(37, dtype=torch.int64))
    middle = figures["mean threshold"]
    assert figures["highest threshold"] == pytest.approx(middle + 3 / 12)
    assert figures["lowest threshold"] == pytest.approx(middle - 3 / 12)


def test_training_the_bias_alone_finds_the_stationary_point(make_dense, batch):
    """A larger b costs the genuine, a smaller one the impostor term: gradient descent ends between."""
    loss = make_dense("uniface", **SETTINGS)
    data = batch(loss)
    loss(*data)
    step = torch.optim.SGD([loss.head.bias], 0.3)
    for _ in range(80):
        step.zero_grad()
        loss(*data).backward()
        step.step()
    (slope,) = torch.autograd.grad(loss(*data), loss.head.bias)
    assert abs(slope.item()) < 1e-5


@pytest.mark.parametrize("bias", VARIANTS)
def test_weight_decay_leaves_the_bias_alone(make_dense, bias):
    loss = make_dense("uniface", bias=bias)
    groups = {group["name"]: group["weight_decay"] for group in loss.param_groups(0.1, 5e-4)}
    assert groups == {"prototypes": 5e-4, "bias": 0.0}


@pytest.mark.parametrize("bias", VARIANTS)
@pytest.mark.parametrize("active", [False, True])
def test_gradient_check(make_tiny, batch, bias, active):
    loss = started(make_tiny, batch, bias=bias) if active else make_tiny("uniface", bias=bias, scale=4.0)
    gradient_check(loss, *batch(loss, rows=8))


@pytest.mark.parametrize("bias", VARIANTS)
def test_finite_at_the_poles_and_at_zero(make, stays_finite, bias):
    stays_finite(make("uniface", bias=bias))


@pytest.mark.parametrize("bias", VARIANTS)
def test_state_survives_saving(make_dense, batch, bias):
    loss, again = started(make_dense, batch, bias=bias), make_dense("uniface", bias=bias, **SETTINGS)
    again.load_state_dict(loss.state_dict())
    data = batch(loss, seed=9)
    assert again(*data) == loss(*data)  # which would start an unset bias anew
    assert torch.equal(again.head.biases, loss.head.biases)


@pytest.mark.parametrize(
    "settings", [{"bias": "none"}, {"margin": 1.0}, {"negative_weight": 0.0}, {"scale": 0}]
)
def test_settings_out_of_range_are_refused(make_dense, settings):
    with pytest.raises(facezoo.FacezooError, match=f"{next(iter(settings))}"):
        make_dense("uniface", **settings)
