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
    total = 0.0
    for row, label in zip(embeddings, labels.tolist(), strict=True):
        for identity, feature in memory.items():
            cos = unit(row) @ feature
            logit = bias - scale * (cos - margin) if identity == label else scale * cos - bias
            total = total + torch.log1p(torch.exp(logit))
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
    assert set(loss.terms) == {"cosface", "uss"}


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
    assert loss.terms["uss"].item() == pytest.approx(expected.item(), rel=1e-12)


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


@pytest.mark.parametrize("decayed", [False, True])
def test_weight_decay_leaves_the_bias_alone_unless_asked(make_dense, decayed):
    loss = make_dense("unitsface", bias_decay=decayed, **SETTINGS)
    groups = [
        group for group in loss.param_groups(0.1, 5e-4) if any(p is loss.head.bias for p in group["params"])
    ]
    assert [group["weight_decay"] for group in groups] == [5e-4 if decayed else 0.0]


@pytest.mark.parametrize("steps", [0, 3])
def test_gradient_check(make_tiny, batch, steps):
    loss = make_tiny("unitsface", **{**SETTINGS, "scale": 4.0})
    filled(loss, batch, steps)
    gradient_check(loss, *batch(loss, seed=9, rows=8))


def test_finite_at_the_poles_and_at_zero(make, batch, stays_finite):
    loss = make("unitsface", steps_per_epoch=2)
    filled(loss, batch)
    stays_finite(loss)


def test_state_survives_saving(make_dense, batch):
    loss, again = make_dense("unitsface", **SETTINGS), make_dense("unitsface", **SETTINGS)
    filled(loss, batch)
    again.load_state_dict(loss.state_dict())
    data = batch(loss, seed=9)
    assert again(*data) == loss(*data)
    assert again.head.bias == loss.head.bias != 0


def test_epochs_need_steps_per_epoch(make_dense):
    with pytest.raises(facezoo.FacezooError, match="steps_per_epoch"):
        make_dense("unitsface")
    make_dense("unitsface", memory_epochs=0)


@pytest.mark.parametrize(
    "settings", [{"combine": "max"}, {"uss_margin": 1.0}, {"memory_epochs": -1}, {"scale": 0}]
)
def test_settings_out_of_range_are_refused(make_dense, settings):
    with pytest.raises(facezoo.FacezooError, match=f"{next(iter(settings))}"):
        make_dense("unitsface", steps_per_epoch=2, **settings)
