"""CurricularFace against a reference that loops over rows and classes, and the oracles of its equations."""

from __future__ import annotations

import math

import pytest
import torch

import facezoo
from facezoo.testing import gradient_check

CASES = [
    {"gradient": gradient, "past_pi": past_pi}
    for gradient in ("exact", "detached")
    for past_pi in ("penalty", "clamp", "none", "continue")
]
PACES = [0.0, -0.2, 0.6]
MARGIN = 0.5


def turned(cos, past_pi):
    """T: cos(θ + 0.5) of one 0-d cosine, written case by case."""
    angle = torch.acos(cos) + MARGIN
    if angle <= math.pi or past_pi == "none":
        return torch.cos(angle)
    if past_pi == "penalty":
        return cos - MARGIN * math.sin(MARGIN)
    if past_pi == "clamp":
        return 0 * cos - 1
    return -torch.cos(angle) - 2


def dense(cosines, pace, gradient="exact", past_pi="penalty", scale=64.0):
    def reference(embeddings, weight, labels):
        cosines_BC = cosines(embeddings, weight)
        own_cosines = [cos[label].item() for cos, label in zip(cosines_BC, labels.tolist(), strict=True)]
        t = 0.99 * pace + 0.01 * sum(own_cosines) / len(own_cosines)
        total = 0.0
        for cos, label in zip(cosines_BC, labels.tolist(), strict=True):
            own = turned(cos[label], past_pi)
            if gradient == "detached":
                own = cos[label] + (own - cos[label]).detach()
            others = [value for identity, value in enumerate(cos) if identity != label]
            logits = [other * (t + other) if other > own else other for other in others]
            total = total + torch.log1p(sum(torch.exp(scale * (logit - own)) for logit in logits))
        return total / len(labels)

    return reference


def at_pace(loss, pace):
    loss.head.pace.fill_(pace)
    return loss


@pytest.mark.parametrize("pace", PACES)
@pytest.mark.parametrize("settings", CASES)
def test_equals_reference(make, batch, agrees, cosines, settings, pace):
    loss = at_pace(make("curricularface", scale=20.0, **settings), pace)
    data = batch(loss)
    cos = cosines(data[0], loss.prototypes.weight).detach()
    own = cos[torch.arange(24), data[1]]
    hard = cos > torch.stack([turned(value, settings["past_pi"]) for value in own])[:, None]
    assert hard.any()
    assert not hard.all()
    assert (own < -0.95).any()  # past π
    agrees(loss, dense(cosines, pace, **settings, scale=20.0), data)


def test_the_paper_preset_is_the_published_loss(make, batch, agrees, cosines):
    loss = at_pace(make("curricularface", preset="paper"), 0.3)
    agrees(loss, dense(cosines, 0.3), batch(loss))


def test_pace_follows_the_mean_target_cosine_before_the_loss(make, batch, cosines):
    loss, expected = make("curricularface"), 0.0
    for seed in range(5):
        embeddings, labels = batch(loss, seed=seed)
        loss(embeddings, labels)
        own = cosines(embeddings, loss.prototypes.weight)[torch.arange(24), labels]
        expected = 0.99 * expected + 0.01 * own.mean().item()
        assert loss.head.pace.item() == pytest.approx(expected, rel=1e-12)
    assert loss.report(torch.ones(37, dtype=torch.int64)) == {"t": loss.head.pace.item()}


def test_evaluation_leaves_the_pace_alone(make, batch):
    loss = at_pace(make("curricularface"), 0.3).eval()
    data = batch(loss)
    assert loss(*data) == loss(*data)
    assert loss.head.pace.item() == 0.3


def test_the_pace_is_saved_with_the_loss(make, batch, agrees, cosines):
    loss, again = at_pace(make("curricularface"), 0.4), make("curricularface")
    again.load_state_dict(loss.state_dict())
    agrees(again, dense(cosines, 0.4), batch(again))


def test_oracle_without_hard_negatives_it_is_arcface(make_dense):
    """Rows on their class vectors, all classes orthogonal: cos 0 is below cos(0.5) and keeps its logit."""
    loss = at_pace(make_dense("curricularface", classes=11, scale=4.0), 0.9)
    with torch.no_grad():
        loss.prototypes.weight.copy_(torch.eye(11))
    value = loss(torch.eye(11, dtype=torch.float64), torch.arange(11)).item()
    assert value == pytest.approx(math.log1p(10 * math.exp(-4 * math.cos(MARGIN))), rel=1e-12)


@pytest.mark.parametrize("pace", PACES)
@pytest.mark.parametrize("hard", [0.3, 0.7, -0.3])
def test_oracle_slope_of_a_hard_negative_is_2c_plus_t(make_dense, hard, pace):
    """One row with target cosine -0.2, one class at `hard`, all others at 0, which are hard too."""
    loss = at_pace(make_dense("curricularface", scale=4.0), pace).eval()
    with torch.no_grad():
        weight = loss.prototypes.weight.zero_()
        weight[:, 5] = 1.0
        weight[0] = weight[1] = 0.0
        weight[0, :2] = torch.tensor([-0.2, math.sqrt(0.96)], dtype=torch.float64)
        weight[1, [0, 2]] = torch.tensor([hard, math.sqrt(1 - hard**2)], dtype=torch.float64)
    embedding = torch.eye(11, dtype=torch.float64)[:1].requires_grad_()
    loss(embedding, torch.tensor([0])).backward()
    own = math.cos(math.acos(-0.2) + MARGIN)
    terms = [math.exp(4 * own), math.exp(4 * hard * (pace + hard)), 35.0]
    slope = terms[1] / sum(terms) * 4 * (2 * hard + pace)
    assert embedding.grad[0, 2].item() == pytest.approx(slope * math.sqrt(1 - hard**2), rel=1e-10, abs=1e-14)


def test_a_window_is_a_fraction_of_the_run(make, batch, cosines):
    loss = make("curricularface", preset="small", total_steps=400)
    embeddings, labels = batch(loss)
    loss(embeddings, labels)
    own = cosines(embeddings, loss.prototypes.weight)[torch.arange(24), labels].mean().item()
    assert loss.head.pace.item() == pytest.approx(own / 20, rel=1e-12)


def test_a_window_shorter_than_a_step_is_one_step(make, batch, cosines):
    loss = make("curricularface", preset="small", total_steps=4)
    embeddings, labels = batch(loss)
    loss(embeddings, labels)
    own = cosines(embeddings, loss.prototypes.weight)[torch.arange(24), labels].mean().item()
    assert loss.head.pace.item() == pytest.approx(own, rel=1e-12)


def test_a_window_without_the_length_of_the_run_is_an_error(make_dense):
    with pytest.raises(facezoo.FacezooError, match="total_steps is not known"):
        make_dense("curricularface", preset="small")


@pytest.mark.parametrize("settings", [{"window": 0.1}, {"rate": 0.0}])
def test_rate_and_window_exclude_each_other(make_dense, settings):
    with pytest.raises(facezoo.FacezooError, match="rate and window are both"):
        make_dense("curricularface", total_steps=10, **settings)


@pytest.mark.parametrize("pace", [0.0, 0.6])
@pytest.mark.parametrize("settings", CASES)
def test_gradient_check(make_tiny, batch, settings, pace):
    loss = at_pace(make_tiny("curricularface", scale=4.0, **settings), pace)
    gradient_check(loss, *batch(loss, rows=8))


@pytest.mark.parametrize("pace", [0.0, 0.6])
@pytest.mark.parametrize("settings", CASES)
def test_finite_at_the_poles_and_at_zero(make, stays_finite, settings, pace):
    stays_finite(at_pace(make("curricularface", **settings), pace))


@pytest.mark.parametrize(
    "settings", [{"scale": 0}, {"margin": 3.2}, {"rate": 1.5}, {"window": -1}, {"past_pi": "wrap"}]
)
def test_settings_out_of_range_are_refused(make_dense, settings):
    with pytest.raises(facezoo.FacezooError, match=f"{next(iter(settings))}"):
        make_dense("curricularface", **settings)
