"""UniTSFace against a reference that loops over pairs, and the oracles of its paper."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn.functional import cross_entropy, one_hot

import facezoo
from facezoo.testing import gradient_check

SETTINGS = {"scale": 16.0, "margin": 0.4, "uss_margin": 0.1, "steps_per_epoch": 2}


def unit(row):
    return row / row.norm()


def filled(loss, batch, steps=3):
    """Trained for `steps` steps on changing batches; returns the memory as {label: last unit feature}."""
    memory = {}
    for seed in range(steps):
        embeddings, labels = batch(loss, seed=seed)
        loss(embeddings, labels).backward()
        loss.zero_grad()
        loss.after_step()
        for row, label in zip(embeddings.detach(), labels.tolist(), strict=True):
            memory[label] = unit(row)
    return memory


def cosface(cosines, embeddings, weight, labels, scale=16.0, margin=0.4):
    cos = cosines(embeddings, weight)
    return cross_entropy(scale * (cos - margin * one_hot(labels, 37).double()), labels)


def pairwise(memory, embeddings, labels, bias, scale=16.0, margin=0.1):
    """USS with a bias [], BCE with biases [37]."""
    total, biases = 0.0, bias.expand(37)
    for row, label in zip(embeddings, labels.tolist(), strict=True):
        for identity, feature in memory.items():
            cos, own = unit(row) @ feature, biases[identity]
            logit = own - scale * (cos - margin) if identity == label else scale * cos - own
            total = total + torch.log1p(torch.exp(logit))
    return total / len(labels)


def pair_softmax(memory, embeddings, labels, scale=16.0, margin=0.1):
    total = 0.0
    for row, label in zip(embeddings, labels.tolist(), strict=True):
        if label in memory:
            logits = {identity: scale * (unit(row) @ feature) for identity, feature in memory.items()}
            logits[label] = logits[label] - scale * margin
            total = total - torch.log(torch.exp(logits[label]) / sum(map(torch.exp, logits.values())))
    return total / len(labels)


def arcface(cosines, embeddings, weight, labels, scale=16.0, margin=0.4):
    total = 0.0
    for cos, label in zip(cosines(embeddings, weight), labels.tolist(), strict=True):
        angle = torch.acos(cos[label])
        shifted = (
            torch.cos(angle + margin) if angle + margin <= math.pi else cos[label] - margin * math.sin(margin)
        )
        logits = [scale * (shifted if column == label else cos[column]) for column in range(37)]
        total = total + torch.log(sum(map(torch.exp, logits))) - logits[label]
    return total / len(labels)


def starting_bias(memory, embeddings, labels, scale=16.0):
    levels = []
    for row, label in zip(embeddings, labels.tolist(), strict=True):
        others = [
            math.exp(scale * (unit(row) @ feature))
            for identity, feature in memory.items()
            if identity != label
        ]
        levels.append(math.log(sum(others)))
    return sum(levels) / len(levels)


@pytest.mark.parametrize("combine", ["sum", "mean"])
def test_equals_reference_while_the_memory_fills(make, batch, agrees, cosines, combine):
    loss = make("unitsface", combine=combine, **SETTINGS)
    share = 1.0 if combine == "sum" else 0.5
    agrees(loss, lambda *args: share * cosface(cosines, *args), batch(loss))


@pytest.mark.parametrize("combine", ["sum", "mean"])
def test_equals_reference_with_memory_and_bias(make, batch, agrees, cosines, combine):
    loss = make("unitsface", combine=combine, **SETTINGS)
    memory = filled(loss, batch)
    data = batch(loss, seed=9)
    unseen = [label for label in data[1].tolist() if label not in memory]
    assert unseen, "the batch should hold an identity that the memory does not"
    share = 1.0 if combine == "sum" else 0.5

    def reference(embeddings, weight, labels, bias):
        parts = cosface(cosines, embeddings, weight, labels), pairwise(memory, embeddings, labels, bias)
        return share * sum(parts)

    agrees(loss, reference, data, [loss.head.bias])
    assert set(loss.terms) == {"class", "pair"}


@pytest.mark.parametrize("class_loss", ["arcface", "softmax"])
def test_equals_reference_with_another_class_loss(make, batch, agrees, cosines, class_loss):
    loss = make("unitsface", class_loss=class_loss, **SETTINGS)
    memory = filled(loss, batch)

    def reference(embeddings, weight, labels, bias):
        if class_loss == "arcface":
            part = arcface(cosines, embeddings, weight, labels)
        else:
            part = cosface(cosines, embeddings, weight, labels, margin=0.0)
        return part + pairwise(memory, embeddings, labels, bias)

    agrees(loss, reference, batch(loss, seed=9), [loss.head.bias])


def test_equals_reference_with_a_bias_an_identity(make, batch, agrees, cosines):
    loss = make("unitsface", pair_loss="bce", **SETTINGS)
    memory = filled(loss, batch)
    values = loss.head.bias.values
    with torch.no_grad():
        values.add_(torch.linspace(-3, 3, 37, dtype=torch.float64))

    def reference(embeddings, weight, labels, biases):
        part = cosface(cosines, embeddings, weight, labels)
        return part + pairwise(memory, embeddings, labels, biases)

    agrees(loss, reference, batch(loss, seed=9), [values])


def test_equals_reference_with_softmax_over_pairs(make, batch, agrees, cosines):
    loss = make("unitsface", pair_loss="softmax", **SETTINGS)
    memory = filled(loss, batch)
    data = batch(loss, seed=9)
    assert any(label not in memory for label in data[1].tolist())

    def reference(embeddings, weight, labels):
        part = cosface(cosines, embeddings, weight, labels)
        return part + pair_softmax(memory, embeddings, labels)

    agrees(loss, reference, data)


@pytest.mark.parametrize("pair_loss", ["uss", "softmax", "bce"])
def test_pairs_alone_equal_the_reference_and_move_no_class_vector(make, batch, pair_loss):
    settings = {**SETTINGS, "class_loss": "none", "memory_epochs": 0.0, "pair_loss": pair_loss}
    loss = make("unitsface", **settings)
    memory = filled(loss, batch)
    embeddings, labels = batch(loss, seed=9)
    value = loss(embeddings, labels)
    found, weight = torch.autograd.grad(
        value, [embeddings, loss.prototypes.weight], materialize_grads=True, allow_unused=True
    )
    copy = embeddings.detach().clone().requires_grad_()
    if pair_loss == "softmax":
        expected = pair_softmax(memory, copy, labels)
    else:
        bias = loss.head.bias if pair_loss == "uss" else loss.head.bias.values
        expected = pairwise(memory, copy, labels, bias.detach())
    (grad,) = torch.autograd.grad(expected, copy)
    assert value.item() == pytest.approx(expected.item(), rel=1e-10)
    assert (found - grad).norm() <= 1e-10 * grad.norm()
    assert not weight.any()


@pytest.mark.parametrize("pair_loss", ["uss", "softmax", "bce"])
def test_pairs_alone_begin_at_zero(make, batch, pair_loss):
    """An empty memory, then one that knows a single identity: nothing, and nothing infinite."""
    settings = {"class_loss": "none", "memory_epochs": 0.0, "pair_loss": pair_loss}
    loss = make("unitsface", **settings)
    embeddings, _ = batch(loss)
    alone = torch.zeros(24, dtype=torch.int64)
    for _ in range(2):
        value = loss(embeddings, alone)
        (grad,) = torch.autograd.grad(value, embeddings)
        assert value.item() == 0
        assert not grad.any()
        loss.after_step()
    for _ in range(2):
        loss(embeddings, torch.arange(24))
        loss.after_step()
    assert set(loss.terms) == {"pair"}
    assert loss.terms["pair"] > 0


def test_bias_starts_from_the_data_once(make, batch):
    loss = make("unitsface", **SETTINGS)
    memory = filled(loss, batch, steps=2)
    assert loss.head.bias.item() == 0.0
    embeddings, labels = batch(loss, seed=5)
    loss(embeddings, labels)
    expected = starting_bias(memory, embeddings.detach(), labels)
    assert loss.head.bias.item() == pytest.approx(expected, rel=1e-12)
    loss.after_step()
    loss(*batch(loss, seed=6))
    assert loss.head.bias.item() == pytest.approx(expected, rel=1e-12)


def test_a_bias_an_identity_starts_alike(make, batch):
    loss = make("unitsface", pair_loss="bce", **SETTINGS)
    memory = filled(loss, batch, steps=2)
    assert loss.head.bias.values.eq(0).all()
    embeddings, labels = batch(loss, seed=5)
    loss(embeddings, labels)
    expected = starting_bias(memory, embeddings.detach(), labels)
    assert loss.head.bias.values.tolist() == pytest.approx([expected] * 37, rel=1e-12)


def test_the_threshold_is_the_bias_as_a_cosine(make, batch):
    loss = make("unitsface", **SETTINGS)
    images = torch.ones(37, dtype=torch.int64)
    assert loss.threshold is None
    assert loss.report(images) == {}
    filled(loss, batch)
    assert loss.threshold == pytest.approx(loss.head.bias.item() / 16)
    assert loss.report(images) == {"threshold": loss.threshold}


def test_only_one_threshold_for_all_is_one(make, batch):
    loss = make("unitsface", pair_loss="softmax", **SETTINGS)
    images = torch.ones(37, dtype=torch.int64)
    filled(loss, batch)
    assert loss.threshold is None
    assert loss.report(images) == {}
    loss = make("unitsface", pair_loss="bce", **SETTINGS)
    filled(loss, batch)
    assert loss.threshold is None
    with torch.no_grad():
        loss.head.bias.values.copy_(torch.linspace(1.6, 8, 37))
    expected = {"mean threshold": 0.3, "lowest threshold": 0.1, "highest threshold": 0.5}
    assert loss.report(images) == pytest.approx(expected)


def test_memory_is_read_before_it_is_written_and_keeps_the_last_of_a_label(make, batch):
    loss = make("unitsface", **SETTINGS)
    embeddings, labels = batch(loss)
    assert len(set(labels.tolist())) < len(labels)
    loss(embeddings, labels).backward()
    assert not loss.head.memory.seen.any()
    loss.after_step()
    for label in range(37):
        rows = (labels == label).nonzero().flatten().tolist()
        assert loss.head.memory.seen[label].item() == bool(rows)
        if rows:
            torch.testing.assert_close(
                loss.head.memory.rows[label].double(), unit(embeddings[rows[-1]].detach())
            )


def test_oracle_bias_gradient(make, batch):
    """∂L/∂b = mean_i [ σ(b - γ(g_y - m)) - Σ_{j≠y} σ(γ g_j - b) ]."""
    loss = make("unitsface", **SETTINGS)
    memory = filled(loss, batch)
    embeddings, labels = batch(loss, seed=9)
    (found,) = torch.autograd.grad(loss(embeddings, labels), loss.head.bias)
    expected, bias = 0.0, loss.head.bias.item()
    for row, label in zip(embeddings.detach(), labels.tolist(), strict=True):
        for identity, feature in memory.items():
            cos = (unit(row) @ feature).item()
            own = 1 / (1 + math.exp(16 * (cos - 0.1) - bias))
            expected += own if identity == label else -1 / (1 + math.exp(bias - 16 * cos))
    assert found.item() == pytest.approx(expected / len(labels), rel=1e-10)


def test_oracle_two_classes_with_the_centres_as_memory_equal_the_unified_bce():
    loss = facezoo.build("unitsface", classes=2, dim=4, scale=8.0, memory_epochs=0).double()
    centres = torch.nn.functional.normalize(torch.randn(2, 4, dtype=torch.float64), dim=1)
    with torch.no_grad():
        loss.prototypes.weight.copy_(centres)
    loss(centres, torch.arange(2))
    loss.after_step()  # the memory now equals the class vectors
    embeddings, labels = torch.randn(6, 4, dtype=torch.float64), torch.tensor([0, 1, 1, 0, 0, 1])
    loss(embeddings, labels)
    cos = torch.nn.functional.normalize(embeddings, dim=1) @ centres.T
    signs = 2 * one_hot(labels, 2).double() - 1
    logits = 8 * (cos - 0.1 * one_hot(labels, 2).double()) - loss.head.bias.detach()
    expected = torch.log1p(torch.exp(-signs * logits)).sum(1).mean()
    assert loss.terms["pair"].item() == pytest.approx(expected.item(), rel=1e-12)


def test_oracle_stationary_bias_of_a_perfect_model():
    """Equation 14, N identities: at cosine 1 to the own, -1 to all others, ∂L/∂b vanishes (m = 0)."""
    count, scale = 6, 2.0
    settings = {"scale": scale, "uss_margin": 0.0, "memory_epochs": 0}
    loss = facezoo.build("unitsface", classes=count, dim=3, **settings).double()
    axis = torch.tensor([[1.0, 0.0, 0.0]], dtype=torch.float64)
    opposite = torch.ones(count, 1, dtype=torch.float64).neg().index_fill(0, torch.tensor([0]), 1.0)
    loss(opposite * axis, torch.arange(count))
    loss.after_step()
    own = torch.tensor([0])
    loss(axis, own)
    shrunk = (count - 2) * math.exp(-scale)
    with torch.no_grad():
        loss.head.bias.fill_(math.log((shrunk + math.sqrt(shrunk**2 + 4 * (count - 1))) / 2))
    (slope,) = torch.autograd.grad(loss(axis, own), loss.head.bias)
    assert abs(slope.item()) < 1e-12


@pytest.mark.parametrize("pair_loss", ["uss", "bce"])
@pytest.mark.parametrize("decayed", [False, True])
def test_weight_decay_leaves_the_bias_alone_unless_asked(make_dense, decayed, pair_loss):
    loss = make_dense("unitsface", bias_decay=decayed, pair_loss=pair_loss, **SETTINGS)
    (bias,) = loss.head.parameters()
    groups = [group for group in loss.param_groups(0.1, 5e-4) if any(p is bias for p in group["params"])]
    assert [group["weight_decay"] for group in groups] == [5e-4 if decayed else 0.0]


VARIANTS = [
    {},
    {"class_loss": "arcface"},
    {"class_loss": "softmax", "pair_loss": "softmax"},
    {"pair_loss": "bce"},
    {"class_loss": "none", "memory_epochs": 0.0},
]


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("steps", [0, 3])
def test_gradient_check(make_tiny, batch, steps, variant):
    loss = make_tiny("unitsface", **{**SETTINGS, "scale": 4.0}, **variant)
    filled(loss, batch, steps)
    gradient_check(loss, *batch(loss, seed=9, rows=8))


@pytest.mark.parametrize("variant", VARIANTS[:4])
def test_finite_at_the_poles_and_at_zero(make, batch, stays_finite, variant):
    loss = make("unitsface", steps_per_epoch=2, **variant)
    filled(loss, batch)
    stays_finite(loss)


@pytest.mark.parametrize("variant", VARIANTS)
def test_state_survives_saving(make_dense, batch, variant):
    loss, again = (make_dense("unitsface", **SETTINGS, **variant) for _ in range(2))
    filled(loss, batch)
    data = batch(loss, seed=9)
    loss.eval(), again.eval()
    assert again(*data) != loss(*data)
    again.load_state_dict(loss.state_dict())
    assert again(*data) == loss(*data)
    assert again.threshold == loss.threshold
