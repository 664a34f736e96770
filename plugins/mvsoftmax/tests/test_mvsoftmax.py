"""MV-Softmax against a reference that loops over rows and classes, and the oracles of its equations."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch.nn.functional import cross_entropy, one_hot

import facezoo
from facezoo.testing import gradient_check

ANGULAR = [
    {"variant": "arc", "gradient": gradient, "past_pi": past_pi}
    for gradient in ("exact", "detached")
    for past_pi in ("penalty", "clamp", "none", "continue")
]
CASES = [
    {**margin, "reweighting": reweighting, "positive_guard": guard}
    for margin, reweighting, guard in itertools.product(
        [{"variant": "am"}, *ANGULAR], ("adaptive", "fixed"), ("above_zero", "none")
    )
]


def turned(cos, margin, past_pi):
    """cos(θ + margin) of one 0-d cosine, written case by case."""
    angle = torch.acos(cos) + margin
    if angle <= math.pi or past_pi == "none":
        return torch.cos(angle)
    if past_pi == "penalty":
        return cos - margin * math.sin(margin)
    if past_pi == "clamp":
        return 0 * cos - 1
    return -torch.cos(angle) - 2


def used(cos, settings):
    """f: the 0-d target cosine with margin and guard."""
    margin = settings.get("margin", 0.35)
    if settings["positive_guard"] == "above_zero" and cos <= 0:
        return cos
    if settings["variant"] == "am":
        return cos - margin
    value = turned(cos, margin, settings.get("past_pi", "penalty"))
    return cos + (value - cos).detach() if settings.get("gradient") == "detached" else value


def raised(cos, settings):
    """A cosine above f, with the emphasis added."""
    t = settings.get("t", 0.2)
    return cos + t * (cos + 1) if settings["reweighting"] == "adaptive" else cos + t


def dense(cosines, settings):
    scale = settings.get("scale", 32.0)

    def reference(embeddings, weight, labels):
        total = 0.0
        for cos, label in zip(cosines(embeddings, weight), labels.tolist(), strict=True):
            own = used(cos[label], settings)
            others = [value for identity, value in enumerate(cos) if identity != label]
            logits = [raised(other, settings) if other > own else other for other in others]
            total = total + torch.log1p(sum(torch.exp(scale * (logit - own)) for logit in logits))
        return total / len(labels)

    return reference


@pytest.mark.parametrize("settings", CASES)
def test_equals_reference(make, batch, agrees, cosines, settings):
    loss = make("mvsoftmax", **settings)
    data = batch(loss)
    cos = cosines(data[0], loss.prototypes.weight).detach()
    own = cos[torch.arange(24), data[1]]
    assert (own > 0).any()
    assert (own < -0.95).any()  # both sides of the guard, and past π
    above = cos > torch.stack([used(value, settings) for value in own])[:, None]
    assert above.any()
    assert not above.all()
    agrees(loss, dense(cosines, settings), data)


@pytest.mark.parametrize("preset", ["paper", "arc", "small"])
def test_presets_are_what_they_say(make, batch, agrees, cosines, preset):
    loss = make("mvsoftmax", preset=preset)
    settings = {"variant": "am" if preset == "paper" else "arc"}
    settings |= {"reweighting": "adaptive", "positive_guard": "above_zero"}
    settings |= {"scale": 16.0, "margin": 0.4, "t": 0.05} if preset == "small" else {}
    agrees(loss, dense(cosines, settings), batch(loss))


@pytest.mark.parametrize("reweighting", ["adaptive", "fixed"])
@pytest.mark.parametrize("variant", ["am", "arc"])
def test_oracle_t_of_0_is_cosface_or_arcface(make, batch, agrees, cosines, variant, reweighting):
    loss = make("mvsoftmax", variant=variant, reweighting=reweighting, t=0.0, positive_guard="none")

    def reference(embeddings, weight, labels):
        cos = cosines(embeddings, weight)
        if variant == "am":
            margined = cos - 0.35
        else:
            margined = torch.stack([turned(value, 0.35, "penalty") for value in cos.flatten()]).view_as(cos)
        own = one_hot(labels, 37).bool()
        return cross_entropy(32 * torch.where(own, margined, cos), labels)

    agrees(loss, reference, batch(loss))


def one_row(loss, own, other):
    """Loss of one row with cosine `own` to its class 0, `other` to class 1 and 0 to the 35 others."""
    with torch.no_grad():
        weight = loss.prototypes.weight.zero_()
        weight[:, 5] = 1.0
        weight[0] = weight[1] = 0.0
        weight[0, :2] = torch.tensor([own, math.sqrt(1 - own**2)], dtype=torch.float64)
        weight[1, [0, 2]] = torch.tensor([other, math.sqrt(1 - other**2)], dtype=torch.float64)
    return loss(torch.eye(11, dtype=torch.float64)[:1], torch.tensor([0])).item()


def logit_of_other(loss, own, other, target, rest):
    """The logit of class 1 over the scale, where those of the target and of the 35 others are known."""
    value = math.expm1(one_row(loss, own, other)) * math.exp(4 * target)
    return math.log(value - 35 * math.exp(4 * rest)) / 4


@pytest.mark.parametrize(
    ("reweighting", "other", "gain"),
    [("adaptive", 0.0, 0.2), ("adaptive", 1.0, 0.4), ("fixed", 0.0, 0.2), ("fixed", 1.0, 0.2)],
)
def test_oracle_adaptive_adds_t_at_0_and_2t_at_1(make_dense, reweighting, other, gain):
    loss = make_dense("mvsoftmax", scale=4.0, reweighting=reweighting)
    found = logit_of_other(loss, own=0.3, other=other, target=0.3 - 0.35, rest=0.2)  # 0 is above -0.05 too
    assert found == pytest.approx(other + gain, rel=1e-12)


@pytest.mark.parametrize(
    ("guard", "target", "other", "rest"), [("above_zero", -0.1, -0.2, 0.2), ("none", -0.45, -0.04, 0.2)]
)
def test_oracle_classes_are_compared_with_the_logit_that_is_used(make_dense, guard, target, other, rest):
    """Target -0.1, another class at -0.2: with the guard the target stays above it, margined it would not."""
    loss = make_dense("mvsoftmax", scale=4.0, positive_guard=guard)
    found = logit_of_other(loss, own=-0.1, other=-0.2, target=target, rest=rest)
    assert found == pytest.approx(other, rel=1e-12)


@pytest.mark.parametrize(
    "settings", [settings for settings in CASES if settings.get("past_pi", "penalty") == "penalty"]
)
def test_gradient_check(make_tiny, batch, settings):
    loss = make_tiny("mvsoftmax", scale=4.0, **settings)
    gradient_check(loss, *batch(loss, rows=8))


@pytest.mark.parametrize("settings", CASES)
def test_finite_at_the_poles_and_at_zero(make, stays_finite, settings):
    stays_finite(make("mvsoftmax", **settings))


@pytest.mark.parametrize(("t", "here"), [(1, "0"), (1.12, r"0\.12"), (1.2, r"0\.2")])
def test_t_of_the_2018_form_is_refused_and_translated(make_dense, t, here):
    with pytest.raises(facezoo.FacezooError, match=rf"t: .*2018.*set t to {here}(\W|$)"):
        make_dense("mvsoftmax", t=t)


def test_a_margin_of_1_is_for_angles_only(make_dense):
    make_dense("mvsoftmax", variant="arc", margin=1.2)
    with pytest.raises(facezoo.FacezooError, match=r"margin is 1, .*variant to 'arc'"):
        make_dense("mvsoftmax", margin=1.0)


@pytest.mark.parametrize("settings", [{"gradient": "detached"}, {"past_pi": "clamp"}])
def test_settings_of_the_angle_are_refused_where_there_is_none(make_dense, settings):
    with pytest.raises(facezoo.FacezooError, match=f"{next(iter(settings))} = .* set variant to 'arc'"):
        make_dense("mvsoftmax", **settings)


@pytest.mark.parametrize(
    "settings",
    [{"scale": 0}, {"margin": -0.1}, {"t": -0.1}, {"t": 2.5}, {"reweighting": "hard"}, {"variant": "soft"}],
)
def test_settings_out_of_range_are_refused(make_dense, settings):
    with pytest.raises(facezoo.FacezooError, match=f"{next(iter(settings))}"):
        make_dense("mvsoftmax", **settings)
