"""The combined margin against a reference, row by row, and the oracles of its paper."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn.functional import cross_entropy, one_hot

import facezoo
from facezoo.testing import gradient_check

PRESETS = {
    "arcface": (1.0, 0.5, 0.0),
    "cosface": (1.0, 0.0, 0.35),
    "cm1": (1.0, 0.3, 0.2),
    "cm2": (0.9, 0.4, 0.15),
    "all three": (1.35, 0.3, 0.1),
}
CASES = [
    (name, gradient, past_pi)
    for name, (multiplier, _, _) in PRESETS.items()
    for gradient in ("exact", "detached")
    for past_pi in ("penalty", "clamp", "none", "continue")
    if past_pi != "penalty" or multiplier == 1
]


def settings_of(name):
    multiplier, margin, cosine_margin = PRESETS[name]
    return {"multiplier": multiplier, "margin": margin, "cosine_margin": cosine_margin, "scale": 20.0}


def margined(cos, name, past_pi):
    """The margin of one 0-d cosine, written case by case."""
    multiplier, margin, cosine_margin = PRESETS[name]
    angle = multiplier * torch.acos(cos) + margin
    if angle <= math.pi or past_pi == "none":
        value = torch.cos(angle)
    elif past_pi == "penalty":
        value = cos - margin * math.sin(margin)
    elif past_pi == "clamp":
        value = 0 * cos - 1
    else:
        turns = math.floor(angle.item() / math.pi)
        value = (-1) ** turns * torch.cos(angle) - 2 * turns
    return value - cosine_margin


def dense(cosines, name, gradient, past_pi, scale=20.0):
    def reference(embeddings, weight, labels):
        rows = []
        for cos, label in zip(cosines(embeddings, weight), labels.tolist(), strict=True):
            value = margined(cos[label], name, past_pi)
            if gradient == "detached":
                value = cos[label] + (value - cos[label]).detach()
            rows.append(torch.cat([cos[:label], value[None], cos[label + 1 :]]))
        return cross_entropy(scale * torch.stack(rows), labels)

    return reference


@pytest.mark.parametrize(("name", "gradient", "past_pi"), CASES)
def test_equals_reference(make, batch, agrees, cosines, name, gradient, past_pi):
    loss = make("arcface", gradient=gradient, past_pi=past_pi, **settings_of(name))
    data = batch(loss)
    angles = torch.acos(cosines(data[0], loss.prototypes.weight)[torch.arange(24), data[1]])
    passed = PRESETS[name][0] * angles + PRESETS[name][1] > math.pi
    assert (passed.any() and not passed.all()) or name == "cosface"  # both sides of π are met
    agrees(loss, dense(cosines, name, gradient, past_pi), data)


@pytest.mark.parametrize("name", ["arcface", "cosface", "cm1", "cm2"])
def test_presets_are_the_published_margins(make, batch, agrees, cosines, name):
    loss = make("arcface", preset=name)
    past_pi = "continue" if name == "cm2" else "penalty"
    agrees(loss, dense(cosines, name, "exact", past_pi, scale=64.0), batch(loss))


def test_the_nearest_of_three_subcentres_counts(make, batch, agrees):
    loss = make("arcface", subcentres=3, scale=20.0)
    embeddings, labels = batch(loss)

    def reference(embeddings, weight, labels):
        units = torch.nn.functional.normalize(weight, dim=-1)
        cos = torch.einsum("bd,ckd->bck", torch.nn.functional.normalize(embeddings, dim=1), units).amax(-1)
        return dense(lambda *_: cos, "arcface", "exact", "penalty")(embeddings, weight, labels)

    agrees(loss, reference, (embeddings, labels))


@pytest.mark.parametrize("cosine_margin", [0.0, 0.35])
def test_oracle_without_angular_margin_it_is_normface_or_cosface(make, batch, agrees, cosines, cosine_margin):
    loss = make("arcface", margin=0.0, cosine_margin=cosine_margin)

    def reference(embeddings, weight, labels):
        cos = cosines(embeddings, weight)
        return cross_entropy(64.0 * (cos - cosine_margin * one_hot(labels, 37).double()), labels)

    agrees(loss, reference, batch(loss))


@pytest.mark.parametrize(
    ("gradient", "slope"), [("exact", 64 * math.sin(1.7) / math.sin(1.2)), ("detached", 64)]
)
def test_oracle_target_logit_and_slope_at_1_2_radians(make_dense, gradient, slope):
    """−8.2 and 68 or 64: the column θ = 1.2 of the comparison of public implementations."""
    loss = make_dense("arcface", gradient=gradient)
    with torch.no_grad():  # all other classes orthogonal to the sample: their logits are 0
        loss.prototypes.weight.zero_()
        loss.prototypes.weight[:, 5] = 1.0
        loss.prototypes.weight[0, 5] = 0.0
        loss.prototypes.weight[0, 0] = 1.0
    embedding = torch.zeros(1, 11, dtype=torch.float64)
    embedding[0, :2] = torch.tensor([math.cos(1.2), math.sin(1.2)], dtype=torch.float64)
    embedding.requires_grad_()
    value = loss(embedding, torch.tensor([0]))
    value.backward()
    logit = 64 * math.cos(1.7)
    assert value.item() == pytest.approx(math.log1p(36 * math.exp(-logit)), rel=1e-12)
    rest = 1 - 1 / (1 + 36 * math.exp(-logit))
    toward = embedding.grad[0, 0].item() / (1 - math.cos(1.2) ** 2)  # d cos/d z0 = sin² θ
    assert toward == pytest.approx(-slope * rest, rel=1e-9)


@pytest.mark.parametrize(
    ("name", "gradient", "past_pi"), [case for case in CASES if case[0] in ("cm1", "cm2")]
)
def test_gradient_check(make_tiny, batch, name, gradient, past_pi):
    loss = make_tiny("arcface", gradient=gradient, past_pi=past_pi, **{**settings_of(name), "scale": 4.0})
    gradient_check(loss, *batch(loss, rows=8))


@pytest.mark.parametrize("gradient", ["exact", "detached"])
@pytest.mark.parametrize("past_pi", ["penalty", "clamp", "none", "continue"])
def test_finite_at_the_poles_and_at_zero(make, stays_finite, gradient, past_pi):
    stays_finite(make("arcface", gradient=gradient, past_pi=past_pi))


def test_penalty_with_a_multiplied_angle_is_refused_and_says_so(make_dense):
    with pytest.raises(facezoo.FacezooError, match=r"multiplier is 0\.9"):
        make_dense("arcface", multiplier=0.9)


@pytest.mark.parametrize(
    "settings",
    [{"scale": 0}, {"margin": 3.2}, {"cosine_margin": -0.1}, {"gradient": "none"}, {"past_pi": "wrap"}],
)
def test_settings_out_of_range_are_refused(make_dense, settings):
    with pytest.raises(facezoo.FacezooError, match=f"{next(iter(settings))}"):
        make_dense("arcface", **settings)
