"""UNPG against a reference that loops over samples and pairs, and what follows from its definition."""

from __future__ import annotations

import math
import statistics

import pytest
import torch
from torch.nn.functional import cross_entropy

import facezoo
from facezoo.testing import gradient_check
from facezoo_unpg.head import negative_pairs, quartiles, within_whiskers


def unit(row):
    return row / row.norm()


def margined(cos, margin, cosine_margin, past_pi, gradient):
    """cos(θ + m2) - m3 of one cosine, from the definitions."""
    angle = torch.acos(cos) + margin
    turned = torch.cos(angle) if margin else cos
    if margin and angle > math.pi:
        past = {"penalty": cos - margin * math.sin(margin), "clamp": 0 * cos - 1, "continue": -turned - 2}
        turned = past.get(past_pi, turned)
    turned = turned - cosine_margin
    return turned if gradient == "exact" else cos + (turned - cos).detach()


def kept_pairs(embeddings, labels, whisker):
    """Cosines of the negative pairs that the filter leaves, as a list."""
    pairs = [
        unit(embeddings[first]) @ unit(embeddings[second])
        for first in range(len(labels))
        for second in range(first)
        if labels[first] != labels[second]
    ]
    if whisker == "none" or not pairs:
        return pairs
    low, _, high = statistics.quantiles([cos.item() for cos in pairs], n=4, method="inclusive")
    reach = whisker * (high - low)
    return [cos for cos in pairs if low - reach <= cos <= high + reach]


def slow(
    embeddings, weight, labels, *, whisker=1.5, margin=0.5, cosine_margin=0.0, scale=64.0,
    past_pi="penalty", gradient="exact",
):  # fmt: skip
    pairs = kept_pairs(embeddings, labels, whisker)
    total = 0.0
    for row, label in zip(embeddings, labels.tolist(), strict=True):
        cosines = [unit(row) @ unit(vector) for vector in weight]
        cosines[label] = margined(cosines[label], margin, cosine_margin, past_pi, gradient)
        total = total + cross_entropy(scale * torch.stack([*cosines, *pairs]), torch.tensor(label))
    return total / len(labels)


BASES = [
    {},
    {"scale": 12.0},
    {"margin": 0.0, "cosine_margin": 0.35},
    {"margin": 0.3, "cosine_margin": 0.2, "gradient": "detached", "scale": 12.0},
    *({"past_pi": past_pi, "scale": 12.0} for past_pi in ("clamp", "none", "continue")),
]


@pytest.mark.parametrize("base", BASES, ids=str)
def test_equals_reference_on_every_base(make, batch, agrees, base):
    loss = make("unpg", **base)
    agrees(loss, lambda *args: slow(*args, **base), batch(loss))


@pytest.mark.parametrize("whisker", ["none", 3.0, 1.5, 0.5, 0.0])
def test_equals_reference_with_every_filter(make, batch, agrees, whisker):
    loss = make("unpg", whisker=whisker, scale=12.0)
    data = batch(loss)
    everything = len(kept_pairs(*data, "none"))
    assert (len(kept_pairs(*data, whisker)) < everything) == (whisker not in ("none", 3.0))
    agrees(loss, lambda *args: slow(*args, whisker=whisker, scale=12.0), data)


def spread(classes=40, outliers=2):
    """Rows of different identities around the sphere, the last ones doubles of the first: 780 pairs."""
    rows = torch.randn(classes, 30, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    rows[-outliers:] = rows[:outliers] + 1e-3
    return rows.requires_grad_(), torch.arange(classes)


@pytest.mark.parametrize("filtered", [True, False])
def test_pairs_that_are_too_alike_are_left_out_by_the_filter(make_dense, agrees, filtered):
    whisker = 1.5 if filtered else "none"
    loss = make_dense("unpg", classes=40, dim=30, whisker=whisker)
    data = spread()
    assert (max(kept_pairs(*data, whisker)) < 0.9) == filtered
    assert 0 < len(kept_pairs(*data, 1.5)) < 780
    agrees(loss, lambda *args: slow(*args, whisker=whisker), data)


@pytest.mark.parametrize("base", [{"margin": 0.5}, {"margin": 0.0, "cosine_margin": 0.35}])
def test_oracle_a_batch_of_one_identity_has_the_base_loss(make, cosines, base):
    loss = make("unpg", scale=12.0, **base)
    embeddings = torch.randn(5, 11, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    labels = torch.full((5,), 4)
    cos = cosines(embeddings, loss.prototypes.weight.detach())
    own = torch.cos(torch.acos(cos[:, 4]) + base["margin"]) - base.get("cosine_margin", 0.0)
    logits = 12 * cos.index_copy(1, torch.tensor([4]), own[:, None])
    assert loss(embeddings, labels).item() == pytest.approx(cross_entropy(logits, labels).item(), rel=1e-12)


def test_oracle_one_pair_is_one_more_class_of_every_sample(make_dense):
    """Two rows with cosine 0.6, s = 2, class vectors at right angles to both: logits 0, 0 and 1.2."""
    loss = make_dense("unpg", classes=2, dim=3, scale=2.0, margin=0.0)
    with torch.no_grad():
        loss.prototypes.weight.copy_(torch.tensor([[0.0, 0.0, -1.0]]).expand(2, 3))
    rows = torch.tensor([[3.0, 0.0, 0.0], [0.6, 0.8, 0.0]], dtype=torch.float64, requires_grad=True)
    value = loss(rows, torch.arange(2))
    assert value.item() == pytest.approx(math.log(2 + math.exp(1.2)), rel=1e-12)
    value.backward()
    share = math.exp(1.2) / (2 + math.exp(1.2))  # softmax probability of the pair, in both rows
    torch.testing.assert_close(rows.grad[0, 1].item(), 2 * share * 0.8 / 3)
    assert rows.grad[1, 0].item() == pytest.approx(2 * share * 0.64)


def test_oracle_order_of_the_batch_does_not_matter(make, batch):
    loss = make("unpg")
    embeddings, labels = batch(loss)
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(1))
    assert loss(embeddings[order], labels[order]).item() == pytest.approx(
        loss(embeddings, labels).item(), rel=1e-12
    )


def test_each_pair_counts_once():
    units = torch.eye(3, dtype=torch.float64)
    assert len(negative_pairs(units, torch.tensor([0, 1, 2]))) == 3
    assert len(negative_pairs(units, torch.tensor([0, 1, 0]))) == 2
    assert len(negative_pairs(units, torch.tensor([5, 5, 5]))) == 0


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 8, 30])
def test_quartiles_are_those_of_torch(count):
    values = torch.randn(count, generator=torch.Generator().manual_seed(count), dtype=torch.float64)
    for share, found in zip((0.25, 0.75), quartiles(values), strict=True):
        torch.testing.assert_close(found, values.quantile(share))


def test_values_on_the_bounds_stay():
    assert within_whiskers(torch.full((6,), 0.3), 1.5).all()
    assert within_whiskers(torch.tensor([0.1]), 0.0).all()
    found = within_whiskers(torch.tensor([0.0, 1.0, 2.0, 3.0, 4.0]), 0.0)
    assert found.tolist() == [False, True, True, True, False]


@pytest.mark.parametrize(
    "settings", [{}, {"whisker": "none"}, {"margin": 0.0, "cosine_margin": 0.35}, {"gradient": "detached"}]
)
def test_gradient_check(make_tiny, batch, settings):
    loss = make_tiny("unpg", scale=4.0, **settings)
    gradient_check(loss, *batch(loss, rows=8))


def test_finite_at_the_poles_and_at_zero(make, stays_finite):
    stays_finite(make("unpg"))
    stays_finite(make("unpg", whisker="none"))


def test_has_nothing_to_save(make_dense):
    assert not list(make_dense("unpg").head.state_dict())


@pytest.mark.parametrize(
    "settings", [{"whisker": -1.0}, {"whisker": "some"}, {"margin": -0.1}, {"cosine_margin": 1.0}]
)
def test_settings_out_of_range_are_refused(make_dense, settings):
    with pytest.raises(facezoo.FacezooError, match=f"{next(iter(settings))}"):
        make_dense("unpg", **settings)
