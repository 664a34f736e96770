"""MagFace against a reference, row by row, and the oracles of its paper."""

from __future__ import annotations

import math
import warnings

import pytest
import torch
from torch.nn.functional import cross_entropy

import facezoo
from facezoo.testing import gradient_check

# norms of the batches run from 0.5 to 8: below, inside and above these bounds; margins that pass π
WIDE = {
    "scale": 20.0,
    "lower_norm": 2.0,
    "upper_norm": 6.0,
    "lower_margin": 0.3,
    "upper_margin": 1.1,
    "norm_weight": 40.0,
}
CASES = [
    (gradient, past_pi, guard)
    for gradient in ("exact", "detached")
    for past_pi in ("penalty", "clamp", "none", "continue")
    for guard in ("none", "above_zero")
]


def shifted(cos, margin, past_pi):
    """cos(θ + m) of a 0-d cosine and a 0-d margin, case by case."""
    angle = torch.acos(cos) + margin
    if angle <= math.pi or past_pi == "none":
        return torch.cos(angle)
    if past_pi == "penalty":
        return cos - margin * torch.sin(margin)
    if past_pi == "clamp":
        return 0 * cos - 1
    turns = math.floor(angle.item() / math.pi)
    return (-1) ** turns * torch.cos(angle) - 2 * turns


def dense(cosines, gradient="exact", past_pi="penalty", positive_guard="none", **settings):
    low, high = settings["lower_norm"], settings["upper_norm"]

    def reference(embeddings, weight, labels):
        rows, quality = [], 0.0
        for cos, row, label in zip(cosines(embeddings, weight), embeddings, labels.tolist(), strict=True):
            norm = row.norm()
            norm = norm if low < norm < high else torch.tensor(min(max(norm.item(), low), high)).double()
            slope = (settings["upper_margin"] - settings["lower_margin"]) / (high - low)
            margin = settings["lower_margin"] + slope * (norm - low)
            value = shifted(cos[label].detach() if gradient == "detached" else cos[label], margin, past_pi)
            if gradient == "detached":
                value = value + cos[label] - cos[label].detach()
            if positive_guard == "above_zero" and cos[label] <= 0:
                value = cos[label]
            rows.append(torch.cat([cos[:label], value[None], cos[label + 1 :]]))
            quality = quality + 1 / norm + norm / high**2
        softmax = cross_entropy(settings["scale"] * torch.stack(rows), labels)
        return softmax + settings["norm_weight"] * quality / len(labels)

    return reference


@pytest.mark.parametrize(("gradient", "past_pi", "guard"), CASES)
def test_equals_reference(make, batch, agrees, cosines, gradient, past_pi, guard):
    variant = {"gradient": gradient, "past_pi": past_pi, "positive_guard": guard}
    loss = make("magface", **WIDE, **variant)
    embeddings, labels = batch(loss)
    angles = torch.acos(cosines(embeddings, loss.prototypes.weight)[torch.arange(24), labels])
    assert (angles + 0.3 > math.pi).any()
    assert (angles + 1.1 < math.pi).any()
    agrees(loss, dense(cosines, **WIDE, **variant), (embeddings, labels))


@pytest.mark.parametrize("preset", ["paper", "small"])
def test_presets_equal_reference(make, batch, agrees, cosines, preset):
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # their weights keep the optimum inside the bounds
        loss = make("magface", preset=preset)
    settings = loss.head.config.model_dump()
    agrees(loss, dense(cosines, **settings), batch(loss, largest=2 * settings["upper_norm"]))


def test_oracle_equal_margins_without_weight_are_arcface(make, batch, agrees, cosines):
    settings = {**WIDE, "lower_margin": 0.5, "upper_margin": 0.5, "norm_weight": 0.0}
    loss = make("magface", **settings)

    def arcface(embeddings, weight, labels):
        cos, margin = cosines(embeddings, weight), torch.tensor(0.5, dtype=torch.float64)
        target = torch.stack([shifted(row[y], margin, "penalty") for row, y in zip(cos, labels, strict=True)])
        return cross_entropy(20.0 * cos.scatter(1, labels[:, None], target[:, None]), labels)

    agrees(loss, arcface, batch(loss))


def aligned(loss, norm, angle):
    """One row of class 0 at this norm and angle; all other classes orthogonal to it."""
    with torch.no_grad():
        loss.prototypes.weight.zero_()
        loss.prototypes.weight[:, 5] = 1.0
        loss.prototypes.weight[0, 5] = 0.0
        loss.prototypes.weight[0, 0] = 1.0
    direction = torch.zeros(1, 11, dtype=torch.float64)
    direction[0, :2] = torch.tensor([math.cos(angle), math.sin(angle)], dtype=torch.float64)
    return direction, (norm * direction).requires_grad_()


@pytest.mark.parametrize("gradient", ["exact", "detached"])
@pytest.mark.parametrize(("norm", "angle"), [(3.0, 0.4), (5.0, 1.2)])
def test_oracle_slope_in_the_norm(make_dense, gradient, norm, angle):
    """dL/da = s (1-p) m' sin(θ + m(a)) + λ_g (1/u_a² - 1/a²): the margin shortens, g lengthens."""
    loss = make_dense("magface", gradient=gradient, **WIDE)
    direction, embedding = aligned(loss, norm, angle)
    value = loss(embedding, torch.tensor([0]))
    value.backward()
    margin = 0.3 + 0.2 * (norm - 2)
    rest = 1 - 1 / (1 + 36 * math.exp(-20 * math.cos(angle + margin)))
    expected = 20 * rest * 0.2 * math.sin(angle + margin) + 40 * (1 / 36 - 1 / norm**2)
    assert (embedding.grad * direction).sum().item() == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("norm", [0.5, 9.0])
def test_norms_outside_the_bounds_have_no_gradient(make_dense, norm):
    loss = make_dense("magface", **WIDE)
    direction, embedding = aligned(loss, norm, 0.7)
    loss(embedding, torch.tensor([0])).backward()
    assert abs((embedding.grad * direction).sum().item()) < 1e-12
    assert embedding.grad.norm() > 0.01


def test_oracle_from_its_bound_on_the_weight_draws_up_whatever_is_shortest(make_dense):
    """Just inside the lower bound, with the worst slope of CE (p = 0, θ + m = π/2), λ_g at its bound."""
    settings = {**WIDE, "scale": 64.0, "norm_weight": 1000.0}
    bound = 64 * 0.2 / (1 / 4 - 1 / 36)
    for weight, upwards in ((1.01 * bound, True), (0.95 * bound, False)):
        settings["norm_weight"] = weight
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            loss = make_dense("magface", **settings)
        assert bool(caught) != upwards
        direction, embedding = aligned(loss, 2.0 + 1e-6, math.pi / 2 - 0.3)
        with torch.no_grad():  # another class where the sample is: p = 0
            loss.prototypes.weight[1] = direction[0]
        loss(embedding, torch.tensor([0])).backward()
        assert ((embedding.grad * direction).sum().item() < 0) == upwards


def test_a_weight_that_is_too_low_is_warned_about(make_dense):
    with pytest.warns(UserWarning, match=r"norm_weight 20 is below 22\.6"):
        make_dense("magface", norm_weight=20.0)


@pytest.mark.parametrize(("gradient", "past_pi", "guard"), CASES)
def test_gradient_check(make_tiny, batch, gradient, past_pi, guard):
    settings = {**WIDE, "scale": 4.0, "gradient": gradient, "past_pi": past_pi, "positive_guard": guard}
    loss = make_tiny("magface", **settings)
    gradient_check(loss, *batch(loss, rows=8))


@pytest.mark.parametrize(("gradient", "past_pi", "guard"), CASES)
def test_finite_at_the_poles_and_at_zero(make, stays_finite, gradient, past_pi, guard):
    stays_finite(make("magface", gradient=gradient, past_pi=past_pi, positive_guard=guard))


@pytest.mark.parametrize(
    "settings",
    [
        {"lower_norm": 110.0},
        {"lower_margin": 0.9},
        {"norm_weight": -1},
        {"upper_margin": 3.2},
        {"positive_guard": "zero"},
        {"scale": 0},
    ],
)
def test_settings_out_of_range_are_refused(make_dense, settings):
    with pytest.raises(facezoo.FacezooError, match=f"{next(iter(settings))}"):
        make_dense("magface", **settings)
