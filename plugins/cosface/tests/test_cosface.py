"""CosFace against a dense reference, and the oracles of its paper."""

from __future__ import annotations

import math
import warnings

import pytest
import torch
from torch.nn.functional import cross_entropy, one_hot

import facezoo
from facezoo.testing import gradient_check
from facezoo_cosface.head import lower_bound


@pytest.mark.parametrize("settings", [{}, {"scale": 20.0, "margin": 0.2}, {"scale": "auto"}, {"margin": 0.0}])
def test_equals_reference(make, batch, agrees, cosines, settings):
    loss = make("cosface", **settings)
    scale, margin = settings.get("scale", 64.0), settings.get("margin", 0.35)
    if scale == "auto":
        scale = math.log(36 * 999) / (37 / 36 - margin)

    def reference(embeddings, weight, labels):
        cos = cosines(embeddings, weight)
        return cross_entropy(scale * (cos - margin * one_hot(labels, 37).double()), labels)

    agrees(loss, reference, batch(loss))


def test_oracle_gradient_on_the_target_cosine_is_minus_scale_times_one_minus_p(make):
    scale, margin, count, own = 5.0, 0.3, 37, 4
    with pytest.warns(UserWarning, match="below"):
        loss = make("cosface", scale=scale, margin=margin)
    with torch.no_grad():  # class vectors whose cosines to e0 are chosen, own one along e0 + e1
        loss.prototypes.weight.zero_()
        loss.prototypes.weight[:, 2] = 1.0
        loss.prototypes.weight[own, :3] = torch.tensor([0.6, 0.8, 0.0], dtype=torch.float64)
    embedding = torch.zeros(1, 11, dtype=torch.float64)
    embedding[0, 0] = 1.0
    embedding.requires_grad_()
    loss(embedding, torch.tensor([own])).backward()
    probability = 1 / (1 + (count - 1) * math.exp(-scale * (0.6 - margin)))
    assert embedding.grad[0, 1].item() == pytest.approx(-scale * (1 - probability) * 0.8, rel=1e-12)


@pytest.mark.parametrize(
    ("classes", "margin", "bound"),
    [(10_572, 0.0, 16.2), (10_572, 0.35, 24.9), (2_060_000, 0.0, 21.4), (2_060_000, 0.35, 33.0)],
)
def test_oracle_lower_bound_of_the_scale(classes, margin, bound):
    assert lower_bound(classes, margin) == pytest.approx(bound, abs=0.06)


def test_auto_scale_reaches_its_probability_with_perfectly_spread_centres():
    loss = facezoo.build("cosface", classes=12, dim=12, scale="auto").double()
    simplex = torch.eye(12, dtype=torch.float64) - 1 / 12
    with torch.no_grad():
        loss.prototypes.weight.copy_(simplex)
    value = loss(simplex, torch.arange(12)).item()
    assert math.exp(-value) == pytest.approx(0.999, abs=1e-9)


def test_a_scale_that_is_too_low_is_warned_about(make_dense):
    with pytest.warns(UserWarning, match=r"scale 4 is below 1\d\.\d"):
        make_dense("cosface", scale=4.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make_dense("cosface")


@pytest.mark.parametrize("margin", [0.0, 0.35])
def test_gradient_check(make_tiny, batch, margin):
    loss = make_tiny("cosface", scale="auto", margin=margin)
    gradient_check(loss, *batch(loss, rows=8))


def test_finite_at_the_poles_and_at_zero(make, stays_finite):
    stays_finite(make("cosface"))


@pytest.mark.parametrize("settings", [{"margin": -0.1}, {"margin": 1.0}, {"scale": 0}, {"scale": "big"}])
def test_settings_out_of_range_are_refused(make_dense, settings):
    with pytest.raises(facezoo.FacezooError, match=f"{next(iter(settings))}"):
        make_dense("cosface", **settings)
