"""JAMsFace (reconstructed) against a reference, row by row, its oracles, and its margins in training."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn.functional import cross_entropy

import facezoo
from facezoo.testing import gradient_check

WIDE = {"scale": 20.0, "angle_max": 1.2}  # so that some, not all, angles pass π
FULL = {
    "scale": 64.0,
    "regulariser": "anchor",
    "angle_weight": 1 / 3,
    "angle_anchor": 1.0,
    "cosine_weight": 2 / 3,
    "cosine_anchor": 0.6,
    "gradient": "exact",
    "past_pi": "penalty",
}
CASES = [
    {"regulariser": regulariser, "gradient": gradient, "past_pi": past_pi}
    for regulariser in ("anchor", "linear")
    for gradient in ("exact", "detached")
    for past_pi in ("penalty", "clamp", "none", "continue")
]
FIXED = {
    "angle": {"angle_start": 0.4, "angle_min": 0.4, "angle_max": 0.4},
    "cosine": {"cosine_start": 0.15, "cosine_min": 0.15, "cosine_max": 0.15},
}
ABSENT = {
    "angle": {"angle_start": 0.0, "angle_max": 0.0},
    "cosine": {"cosine_start": 0.0, "cosine_max": 0.0},
}


def spread(loss):
    """Give every class margins of its own, within the bounds."""
    source = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for parameter in loss.head.learned().values():
            low, high = parameter.bounds
            drawn = torch.rand(len(parameter.values), generator=source, dtype=torch.float64)
            parameter.values.copy_(low + (high - low) * drawn)
    return [parameter.values for parameter in loss.head.learned().values()]


def margined(cos, angle, past_pi):
    """φ(θ; a) of a 0-d cosine and a 0-d margin, case by case."""
    turned = torch.acos(cos) + angle
    if turned <= math.pi or past_pi == "none":
        return torch.cos(turned)
    if past_pi == "penalty":
        return cos - angle * torch.sin(angle)
    if past_pi == "clamp":
        return 0 * cos + 0 * angle - 1
    turns = math.floor(turned.item() / math.pi)
    return (-1) ** turns * torch.cos(turned) - 2 * turns


def held_up(values, settings, name):
    """R of one kind of margin."""
    weight, anchor = settings["scale"] * settings[f"{name}_weight"], settings[f"{name}_anchor"]
    if settings["regulariser"] == "linear":
        return -weight * sum(values) / len(values)
    return weight / 2 * sum((value - anchor) ** 2 for value in values) / len(values)


def softmax(cosines, settings, embeddings, weight, labels, angle, cosine):
    """CE with the margins `angle` and `cosine`, one per class."""
    rows = []
    for cos, label in zip(cosines(embeddings, weight), labels.tolist(), strict=True):
        detached = settings["gradient"] == "detached"
        own = cos[label].detach() if detached else cos[label]
        value = margined(own, angle[label], settings["past_pi"]) - cosine[label]
        if detached:
            value = value + cos[label] - cos[label].detach()
        rows.append(torch.cat([cos[:label], value[None], cos[label + 1 :]]))
    return cross_entropy(settings["scale"] * torch.stack(rows), labels)


def dense(cosines, settings):
    full = FULL | settings

    def reference(embeddings, weight, labels, angle, cosine):
        value = softmax(cosines, full, embeddings, weight, labels, angle, cosine)
        return value + held_up(angle, full, "angle") + held_up(cosine, full, "cosine")

    return reference


@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(case.values()))
def test_equals_reference(make, batch, agrees, cosines, case):
    loss = make("jamsface", **WIDE, **case)
    scalars = spread(loss)
    embeddings, labels = batch(loss)
    angles = torch.acos(cosines(embeddings, loss.prototypes.weight)[torch.arange(24), labels])
    passed = angles + scalars[0][labels] > math.pi
    assert passed.any()
    assert not passed.all()
    agrees(loss, dense(cosines, WIDE | case), (embeddings, labels), scalars)


@pytest.mark.parametrize("preset", ["paper", "small"])
def test_presets_equal_reference(make, batch, agrees, cosines, preset):
    loss = make("jamsface", preset=preset)
    agrees(loss, dense(cosines, loss.head.config.model_dump()), batch(loss), spread(loss))
    assert set(loss.terms) == {"softmax", "angle_regulariser", "cosine_regulariser"}


@pytest.mark.parametrize("absent", ["angle", "cosine"])
def test_one_margin_alone_equals_reference(make, batch, agrees, cosines, absent):
    """a ≡ 0 is AdaptiveFace's AdaM-Softmax, b ≡ 0 its angular sister."""
    settings = {"scale": 20.0, "regulariser": "linear"}
    loss = make("jamsface", **settings, **ABSENT[absent])
    zeros = torch.zeros(37, dtype=torch.float64)
    kept = "cosine" if absent == "angle" else "angle"

    def reference(embeddings, weight, labels, values):
        both = (zeros, values) if absent == "angle" else (values, zeros)
        value = softmax(cosines, FULL | settings, embeddings, weight, labels, *both)
        return value + held_up(values, FULL | settings, kept)

    agrees(loss, reference, batch(loss), spread(loss))
    assert set(loss.terms) == {"softmax", f"{kept}_regulariser"}


@pytest.mark.parametrize("gradient", ["exact", "detached"])
def test_oracle_fixed_margins_are_the_combined_margin(make, batch, agrees, cosines, gradient):
    loss = make("jamsface", scale=20.0, gradient=gradient, **FIXED["angle"], **FIXED["cosine"])
    assert not list(loss.head.parameters())
    every = torch.ones(37, dtype=torch.float64)
    settings = FULL | {"scale": 20.0, "gradient": gradient}
    agrees(loss, lambda *args: softmax(cosines, settings, *args, 0.4 * every, 0.15 * every), batch(loss))


def test_oracle_gradients_of_the_margins(make, batch, cosines):
    """∂CE/∂b = s (1-p), ∂CE/∂a = s (1-p) sin(θ + a), summed over a class's rows; R acts on all classes."""
    loss = make("jamsface", scale=5.0, past_pi="none")
    angle, cosine = spread(loss)
    embeddings, labels = batch(loss)
    found = torch.autograd.grad(loss(embeddings, labels), [angle, cosine])
    expected = [5 / 3 * (angle - 1.0) / 37, 10 / 3 * (cosine - 0.6) / 37]
    with torch.no_grad():
        for cos, label in zip(cosines(embeddings, loss.prototypes.weight), labels.tolist(), strict=True):
            turned = torch.acos(cos[label]) + angle[label]
            own = torch.exp(5 * (turned.cos() - cosine[label]))
            rest = 5 * (1 - own / (own + torch.exp(5 * cos).sum() - torch.exp(5 * cos[label]))) / 24
            expected[0][label] += rest * turned.sin()
            expected[1][label] += rest
    assert (labels.bincount(minlength=37) == 0).any()
    for got, want in zip(found, expected, strict=True):
        torch.testing.assert_close(got, want, rtol=1e-10, atol=1e-14)


SIZES = torch.tensor([1] * 8 + [4] * 8 + [16] * 8)


def trained(steps, lr=0.05, seed=0, **settings):
    """A loss in float64 trained with a linear network on clusters of 1, 4 and 16 samples a class; and what
    its margins were on the way."""
    loss = facezoo.build(
        "jamsface", classes=len(SIZES), dim=8, seed=seed, layout="dense", **settings
    ).double()
    source = torch.Generator().manual_seed(seed)
    labels = torch.arange(len(SIZES)).repeat_interleave(SIZES)
    centres = torch.randn(len(SIZES), 12, generator=source, dtype=torch.float64)
    noise = torch.randn(len(labels), 12, generator=source, dtype=torch.float64)
    samples = centres[labels] + 0.5 * noise
    network = torch.nn.Linear(12, 8, bias=False, dtype=torch.float64)
    with torch.no_grad():
        network.weight.copy_(torch.randn(8, 12, generator=source, dtype=torch.float64) / math.sqrt(12))
    groups = [{"params": network.parameters()}, *loss.param_groups(lr, 0.0)]
    optimizer = torch.optim.SGD(groups, lr=lr, momentum=0.9)
    history = []
    for _ in range(steps):
        rows = torch.randint(0, len(labels), (32,), generator=source)
        optimizer.zero_grad()
        loss(network(samples[rows]), labels[rows]).backward()
        optimizer.step()
        loss.after_step()
        history.append({name: part.values.detach().clone() for name, part in loss.head.learned().items()})
    return loss, history


def test_rich_classes_get_smaller_margins_than_poor_ones():
    loss, _ = trained(400, scale=16.0, margin_lr=1.0)
    figures = loss.head.report(SIZES)
    for name in ("angle", "cosine"):
        rich, mid, poor = (figures[f"{name}_{size}"] for size in ("rich", "mid", "poor"))
        assert rich + 0.02 < mid < poor - 0.02
        assert figures[f"{name}_correlation"] < -0.7


def test_oracle_without_regulariser_margins_fall_to_their_floor():
    floors = {"angle": 0.05, "cosine": 0.02}
    settings = {"angle_min": floors["angle"], "cosine_min": floors["cosine"]}
    _, history = trained(200, scale=16.0, angle_weight=0.0, cosine_weight=0.0, margin_lr=2.0, **settings)
    for name, floor in floors.items():
        path = torch.stack([margins[name] for margins in history])
        assert (path.diff(dim=0) <= 0).all()
        assert path[-1].mean().item() < floor + 0.01
        assert path.min().item() == pytest.approx(floor, abs=1e-12)


def test_margins_stay_within_their_bounds_and_never_decay():
    loss, history = trained(100, scale=16.0, margin_lr=50.0, angle_max=0.6)
    angles = torch.stack([margins["angle"] for margins in history])
    assert angles.min() == 0
    assert angles.max() == 0.6
    groups = {group["name"]: group for group in loss.param_groups(0.4, 5e-4)}
    assert groups["angle"]["weight_decay"] == groups["cosine"]["weight_decay"] == 0
    assert groups["angle"]["lr"] == groups["cosine"]["lr"] == pytest.approx(20.0)


def reported(images, angle):
    loss = facezoo.build("jamsface", classes=len(images), dim=4)
    with torch.no_grad():
        loss.head.angle.values.copy_(torch.tensor(angle))
    return loss.head.report(torch.tensor(images))


def test_report_tells_margins_by_class_size():
    found = reported([9, 1, 3, 27, 3, 1], [0.2, 0.5, 0.4, 0.1, 0.3, 0.6])
    logs, angles = [2, 0, 1, 3, 1, 0], [0.2, 0.5, 0.4, 0.1, 0.3, 0.6]
    covariance = sum(x * y for x, y in zip(logs, angles, strict=True)) - 6 * (7 / 6) * 0.35
    spreads = (sum(x * x for x in logs) - 49 / 6) * (sum(y * y for y in angles) - 6 * 0.35**2)
    assert found == pytest.approx(
        {
            "angle": 0.35,
            "angle_poor": 0.55,
            "angle_mid": 0.35,
            "angle_rich": 0.15,
            "angle_correlation": covariance / math.sqrt(spreads),
            "cosine": 0.2,
            "cosine_poor": 0.2,
            "cosine_mid": 0.2,
            "cosine_rich": 0.2,
        },
        rel=1e-6,
    )


def test_report_puts_classes_of_one_size_into_one_group():
    found = reported([1, 1, 1, 1, 1, 5], [0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    assert found["angle_poor"] == pytest.approx(0.3)
    assert found["angle_rich"] == pytest.approx(0.6)
    assert "angle_mid" not in found


def test_report_leaves_out_what_cannot_be_told():
    alike = reported([4, 4, 4], [0.1, 0.2, 0.3])
    assert alike == pytest.approx({"angle": 0.2, "cosine": 0.2})
    empty = reported([0, 4, 4], [0.1, 0.2, 0.3])  # a class without images learns from R alone
    assert empty == pytest.approx({"angle": 0.25, "cosine": 0.2})
    fixed = facezoo.build("jamsface", classes=3, dim=4, **FIXED["angle"], **FIXED["cosine"])
    assert fixed.head.report(torch.tensor([1, 2, 3])) == {}


@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(case.values()))
def test_gradient_check(make_tiny, batch, case):
    loss = make_tiny("jamsface", **{**WIDE, "scale": 4.0}, **case)
    spread(loss)
    gradient_check(loss, *batch(loss, rows=8))


def test_gradient_check_of_a_fresh_head(make_tiny, batch):
    loss = make_tiny("jamsface", scale=4.0)
    gradient_check(loss, *batch(loss, rows=8))


@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(case.values()))
def test_finite_at_the_poles_and_at_zero(make, stays_finite, case):
    stays_finite(make("jamsface", **case))


def test_state_survives_saving(make_dense, batch):
    loss, again = make_dense("jamsface"), make_dense("jamsface")
    spread(loss)
    again.load_state_dict(loss.state_dict())
    data = batch(loss)
    assert again(*data) == loss(*data)
    assert again.head.angle.values.equal(loss.head.angle.values)


@pytest.mark.parametrize(
    "settings",
    [
        {"angle_start": 0.9},
        {"cosine_start": 0.1, "cosine_min": 0.2},
        {"angle_max": 1.6, "angle_start": 0.3},
        {"cosine_max": 1.0},
        {"regulariser": "spring"},
        {"angle_weight": -0.1},
        {"margin_lr": 0},
    ],
)
def test_settings_out_of_range_are_refused(make_dense, settings):
    with pytest.raises(facezoo.FacezooError, match=f"{next(iter(settings))}"):
        make_dense("jamsface", **settings)
