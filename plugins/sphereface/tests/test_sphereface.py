"""A-Softmax and SphereFace-R against a reference, row by row, and the oracles of their papers."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch.nn.functional import cross_entropy

import facezoo
from facezoo.testing import gradient_check

CASES = [
    {},
    {"margin": 2.0, "lambda_start": 3.0, "lambda_min": 0.5},
    {"margin": 3.0, "lambda_start": 0.0, "lambda_min": 0.0},
    {"margin": 1.7, "feature_norm": "fixed", "scale": 12.0, "lambda_start": 0.0, "lambda_min": 0.0},
    {
        "margin": 4.0,
        "gradient": "detached",
        "lambda_start": 2.0,
        "lambda_rate": 0.5,
        "lambda_power": 2.0,
        "lambda_min": 0.1,
    },
    {"margin": 2.5, "gradient": "detached", "feature_norm": "fixed", "lambda_min": 1.0},
]
PLAIN = {"lambda_start": 0.0, "lambda_min": 0.0}
REVIVED = [
    {"variant": variant, "margin": margin, "gradient": gradient, **norm, **PLAIN}
    for variant in ("r-v1", "r-v2")
    for margin, norm in ((1.5, {"feature_norm": "fixed", "scale": 12.0}), (2.0, {}))
    for gradient in ("exact", "detached")
]
PAST_ANNEALING = 5000


def falling_cosine(cos, multiplier):
    """ψ of one 0-d cosine from its definition, through the angle."""
    angle = multiplier * torch.acos(cos)
    turns = math.floor(angle.item() / math.pi)
    return (-1) ** turns * torch.cos(angle) - 2 * turns


def dense(cosines, step, settings):
    full = {
        "margin": 4.0,
        "lambda_start": 1000.0,
        "lambda_rate": 0.12,
        "lambda_power": 1.0,
        "lambda_min": 5.0,
    }
    full |= settings

    def reference(embeddings, weight, labels):
        plain = max(
            full["lambda_min"],
            full["lambda_start"] * (1 + full["lambda_rate"] * step) ** -full["lambda_power"],
        )
        rows = []
        for raw, cos, label in zip(embeddings, cosines(embeddings, weight), labels.tolist(), strict=True):
            psi = falling_cosine(cos[label], full["margin"])
            if full.get("gradient") == "detached":
                psi = cos[label] + (psi - cos[label]).detach()
            own = (plain * cos[label] + psi) / (1 + plain)
            fixed = full.get("feature_norm") == "fixed"
            scale = full.get("scale", 30.0) if fixed else raw.norm()
            rows.append(scale * torch.cat([cos[:label], own[None], cos[label + 1 :]]))
        return cross_entropy(torch.stack(rows), labels)

    return reference


def revived_cosine(cos, own, settings):
    """One 0-d cosine as SphereFace-R turns it, through the angle."""
    angle, margin = torch.acos(cos), settings["margin"]
    if own == (settings["variant"] == "r-v2"):
        return cos
    if not own:
        value = torch.cos(angle / margin)
    else:
        value = torch.cos(margin * angle) if margin * angle <= math.pi else 0 * cos - 1
    return cos + (value - cos).detach() if settings["gradient"] == "detached" else value


def dense_revived(cosines, settings):
    def reference(embeddings, weight, labels):
        rows = []
        for raw, cos, label in zip(embeddings, cosines(embeddings, weight), labels.tolist(), strict=True):
            turned = [revived_cosine(c, identity == label, settings) for identity, c in enumerate(cos)]
            scale = settings["scale"] if settings.get("feature_norm") == "fixed" else raw.norm()
            rows.append(scale * torch.stack(turned))
        return cross_entropy(torch.stack(rows), labels)

    return reference


def at_step(loss, step):
    loss.step.fill_(step)
    return loss


@pytest.mark.parametrize("step", [0, 7, PAST_ANNEALING])
@pytest.mark.parametrize("settings", CASES)
def test_equals_reference(make, batch, agrees, cosines, settings, step):
    loss = at_step(make("sphereface", **settings), step)
    agrees(loss, dense(cosines, step, settings), batch(loss))


@pytest.mark.parametrize("settings", REVIVED)
def test_revived_equals_reference(make, batch, agrees, cosines, settings):
    loss = make("sphereface", **settings)
    data = batch(loss)
    own = cosines(data[0], loss.prototypes.weight)[torch.arange(24), data[1]]
    past = settings["margin"] * torch.acos(own) > math.pi
    assert past.any()
    assert not past.all()
    agrees(loss, dense_revived(cosines, settings), data)


@pytest.mark.parametrize(("variant", "margin", "scale"), [("r-v1", 1.5, 30.0), ("r-v2", 1.4, 60.0)])
def test_revived_presets_are_those_of_the_authors(make, batch, agrees, cosines, variant, margin, scale):
    settings = {"variant": variant, "margin": margin, "scale": scale, "feature_norm": "fixed"}
    loss = make("sphereface", preset=variant)
    agrees(loss, dense_revived(cosines, {**settings, "gradient": "detached"}), batch(loss))


@pytest.mark.parametrize("settings", [{}, {"variant": "r-v1", **PLAIN}, {"variant": "r-v2", **PLAIN}])
@pytest.mark.parametrize("step", [0, PAST_ANNEALING])
def test_oracle_margin_of_one_is_normface_scaled_by_the_norm(make, batch, agrees, cosines, step, settings):
    loss = at_step(make("sphereface", margin=1.0, **settings), step)

    def reference(embeddings, weight, labels):
        return cross_entropy(embeddings.norm(dim=1, keepdim=True) * cosines(embeddings, weight), labels)

    agrees(loss, reference, batch(loss))


def test_oracle_a_large_lambda_is_normface(make, batch):
    plain, heavy = make("sphereface", margin=1.0), make("sphereface", lambda_start=1e12)
    embeddings, labels = batch(plain)
    assert heavy(embeddings, labels).item() == pytest.approx(plain(embeddings, labels).item(), rel=1e-9)


def own_logit(loss, angle):
    """Target logit of a unit embedding at `angle` (0-d, gradient) to its class vector, with the λ-blend."""
    with torch.no_grad():  # the 36 others are orthogonal to the sample's plane: their logits are 0
        loss.prototypes.weight.zero_()
        loss.prototypes.weight[:, 5] = 1.0
        loss.prototypes.weight[0, 5] = 0.0
        loss.prototypes.weight[0, 0] = 1.0
    zeros = torch.zeros(9, dtype=torch.float64)
    embedding = torch.cat([angle.cos()[None], angle.sin()[None], zeros])[None]
    return -torch.log(torch.expm1(loss(embedding, torch.tensor([0]))) / 36)


@pytest.mark.parametrize("margin", [2.0, 3.0, 4.0, 1.7])
def test_oracle_psi_is_continuous_and_falls_to_one_minus_2m(make_dense, margin):
    loss = make_dense("sphereface", margin=margin, lambda_start=0.0, lambda_min=0.0)
    switches = [k * math.pi / margin for k in range(1, math.ceil(margin))]
    for switch in switches:
        before, after = (
            own_logit(loss, torch.tensor(switch + offset, dtype=torch.float64)).item()
            for offset in (-1e-7, 1e-7)
        )
        assert before == pytest.approx(after, abs=1e-6)
    sweep = [own_logit(loss, angle).item() for angle in torch.linspace(0, 3.14159, 60).double()]
    assert all(a > b for a, b in itertools.pairwise(sweep))
    if margin == int(margin):
        assert sweep[-1] == pytest.approx(1 - 2 * margin, abs=1e-4)


@pytest.mark.parametrize("margin", [2.0, 3.0, 4.0, 1.7])
def test_oracle_slope_in_the_cosine_tends_to_m_squared(make_dense, margin):
    loss = make_dense("sphereface", margin=margin, lambda_start=0.0, lambda_min=0.0)
    angle = torch.tensor(0.01, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(own_logit(loss, angle), angle)
    assert slope.item() / -math.sin(0.01) == pytest.approx(margin**2, rel=1e-2)


@pytest.mark.parametrize("margin", [2.0, 1.7])
def test_oracle_revived_v1_is_psi_up_to_pi_over_m_and_flat_beyond(make_dense, margin):
    psi, revived = (
        make_dense("sphereface", margin=margin, variant=variant, **PLAIN) for variant in ("a-softmax", "r-v1")
    )
    for angle in torch.linspace(0.01, 3.14, 40, dtype=torch.float64):
        expected = max(own_logit(psi, angle).item(), -1.0)
        assert own_logit(revived, angle).item() == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("variant", ["r-v1", "r-v2"])
@pytest.mark.parametrize("own", [0.1, 0.6, 1.2])
def test_oracle_revived_boundary_of_two_classes_is_where_m_times_the_own_angle_is_the_other(
    make_dense, variant, own
):
    loss = make_dense("sphereface", classes=2, dim=2, variant=variant, margin=1.5, **PLAIN)
    angles = torch.tensor([own, -1.5 * own], dtype=torch.float64)
    with torch.no_grad():
        loss.prototypes.weight.copy_(torch.stack([angles.cos(), angles.sin()], 1))
    embedding = torch.tensor([[7.0, 0.0]], dtype=torch.float64)
    assert loss(embedding, torch.tensor([0])).item() == pytest.approx(math.log(2), rel=1e-12)


@pytest.mark.parametrize("settings", CASES + REVIVED)
def test_gradient_check(make_tiny, batch, settings):
    loss = at_step(make_tiny("sphereface", **{**settings, "scale": 3.0}), PAST_ANNEALING)
    gradient_check(loss, *batch(loss, largest=3.0, rows=8))


@pytest.mark.parametrize("settings", CASES + REVIVED)
def test_finite_at_the_poles_and_at_zero(make, stays_finite, settings):
    stays_finite(at_step(make("sphereface", **settings), PAST_ANNEALING))


def test_training_steps_drive_the_annealing_and_survive_saving(make_dense, batch, agrees, cosines):
    loss, again = make_dense("sphereface"), make_dense("sphereface")
    data = batch(loss)
    for _ in range(40):
        loss(*data)
    again.load_state_dict(loss.state_dict())
    agrees(again, dense(cosines, 40, {}), data)
    again.eval()
    assert again(*data) == again(*data)  # evaluation does not count


@pytest.mark.parametrize("power", [1.0, 2.0])
def test_a_window_takes_the_annealing_to_its_floor(make_dense, power):
    window = {"lambda_rate": 0.0, "lambda_window": 0.5, "lambda_power": power}
    head = make_dense("sphereface", total_steps=80, lambda_start=100.0, lambda_min=4.0, **window).head
    assert head.plain_weight(0) == 100
    assert head.plain_weight(39) > 4
    assert head.plain_weight(40) == pytest.approx(4.0)
    assert head.plain_weight(60) == 4
    with pytest.raises(facezoo.FacezooError, match="total_steps"):
        make_dense("sphereface", preset="small")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "set one of them to 0"),
        ({"lambda_rate": 0.0, "lambda_min": 0.0}, "lambda_window says when λ reaches lambda_min"),
        ({"lambda_rate": 0.0, "lambda_power": 0.0}, "lambda_window says when λ reaches lambda_min"),
    ],
)
def test_a_window_needs_settings_that_fit(make_dense, settings, message):
    with pytest.raises(facezoo.FacezooError, match=message):
        make_dense("sphereface", total_steps=80, lambda_window=0.5, **settings)


@pytest.mark.parametrize("variant", ["r-v1", "r-v2"])
@pytest.mark.parametrize("settings", [{}, {"lambda_min": 0.0}, {"preset": "small"}])
def test_annealing_of_sphereface_r_is_refused_and_says_so(make_dense, variant, settings):
    with pytest.raises(facezoo.FacezooError, match=f"set both to 0, or start from the preset '{variant}'"):
        make_dense("sphereface", variant=variant, **settings)


@pytest.mark.parametrize(
    "settings",
    [
        {"variant": "r"},
        {"margin": 0.5},
        {"lambda_min": 2000.0},
        {"feature_norm": "unit"},
        {"scale": 0},
        {"lambda_rate": -1},
    ],
)
def test_settings_out_of_range_are_refused(make_dense, settings):
    with pytest.raises(facezoo.FacezooError, match=f"{next(iter(settings))}"):
        make_dense("sphereface", **settings)
