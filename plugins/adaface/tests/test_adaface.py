"""AdaFace against a reference, row by row, its running figures against a plain loop, and its oracles."""

from __future__ import annotations

import math
import statistics

import pytest
import torch
from torch.nn.functional import cross_entropy, one_hot

import facezoo
from facezoo.testing import gradient_check

CASES = [
    (gradient, past_pi)
    for gradient in ("exact", "detached")
    for past_pi in ("clamp", "penalty", "none", "continue")
]


def turned(cos, turn, past_pi):
    """cos(θ + g) of a 0-d cosine and a number g of either sign, case by case."""
    angle = torch.acos(cos) + turn
    if angle <= 0:
        return 0 * cos + 1
    if angle <= math.pi or past_pi == "none":
        return torch.cos(angle)
    if past_pi == "penalty":
        return cos - turn * math.sin(turn)
    if past_pi == "clamp":
        return 0 * cos - 1
    turns = math.floor(angle.item() / math.pi)
    return (-1) ** turns * torch.cos(angle) - 2 * turns


def dense(cosines, mean, deviation, gradient="exact", past_pi="clamp", **settings):
    margin = settings["margin"]

    def reference(embeddings, weight, labels):
        rows = []
        for cos, row, label in zip(cosines(embeddings, weight), embeddings, labels.tolist(), strict=True):
            norm = min(max(row.norm().item(), 0.001), 100.0)
            quality = settings["concentration"] * (norm - mean) / (deviation + 0.001)
            quality = min(max(quality, -1.0), 1.0)
            value = turned(cos[label], -margin * quality, past_pi) - (margin + margin * quality)
            if gradient == "detached":
                value = cos[label] + (value - cos[label]).detach()
            rows.append(torch.cat([cos[:label], value[None], cos[label + 1 :]]))
        return cross_entropy(settings["scale"] * torch.stack(rows), labels)

    return reference


def running(batches, rate, mean=20.0, deviation=100.0, start="published"):
    """Mean and deviation after these batches of norms, as the published loop has them."""
    for place, norms in enumerate(batches):
        share = 1.0 if place == 0 and start == "data" else rate
        held = [min(max(norm, 0.001), 100.0) for norm in norms]
        mean = share * statistics.fmean(held) + (1 - share) * mean
        deviation = share * statistics.stdev(held) + (1 - share) * deviation
    return mean, deviation


def place_at(loss, mean, deviation):
    """Set the running figures, and keep them: evaluation mode."""
    loss.eval()
    loss.head.mean.fill_(mean)
    loss.head.deviation.fill_(deviation)


@pytest.mark.parametrize(("gradient", "past_pi"), CASES)
def test_equals_reference(make, batch, agrees, cosines, gradient, past_pi):
    settings = {"scale": 20.0, "margin": 0.5, "concentration": 0.6}
    loss = make("adaface", gradient=gradient, past_pi=past_pi, **settings)
    place_at(loss, 4.0, 2.0)
    embeddings, labels = batch(loss, largest=8.0)
    quality = loss.head.quality(embeddings.norm(dim=1)).detach()
    angles = torch.acos(cosines(embeddings, loss.prototypes.weight)[torch.arange(24), labels]).detach()
    assert (quality == 1).any()
    assert (quality == -1).any()
    assert (angles - 0.5 * quality < 0).any()  # both ends of the angle's range are passed
    assert (angles - 0.5 * quality > math.pi).any()
    agrees(loss, dense(cosines, 4.0, 2.0, gradient, past_pi, **settings), (embeddings, labels))


@pytest.mark.parametrize("preset", ["paper", "small"])
def test_presets_in_training_equal_reference(make, batch, agrees, cosines, preset):
    """Each batch updates the running figures first and is then measured with them."""
    loss = make("adaface", preset=preset)
    settings = loss.head.config.model_dump(include={"scale", "margin", "concentration"})
    rate, start = loss.head.config.rate, loss.head.config.start
    seen = []
    for seed in range(3):
        embeddings, labels = batch(loss, seed=seed, largest=30.0 + 60 * seed)
        seen.append(embeddings.norm(dim=1).tolist())
        mean, deviation = running(seen, rate, start=start)
        agrees(loss, dense(cosines, mean, deviation, **settings), (embeddings, labels))
        assert loss.head.mean.item() == pytest.approx(mean, rel=1e-6)
        assert loss.head.deviation.item() == pytest.approx(deviation, rel=1e-6)


@pytest.mark.parametrize(("quality", "angle", "cosine"), [(0, 0.0, 0.4), (-1, 0.4, 0.0), (1, -0.4, 0.8)])
def test_oracle_quality_runs_from_arcface_over_cosface_to_a_negative_angle(
    make, batch, agrees, cosines, quality, angle, cosine
):
    loss = make("adaface")
    place_at(loss, {0: 4.0, -1: 1e6, 1: -1e6}[quality], 1e12 if quality == 0 else 1.0)

    def reference(embeddings, weight, labels):
        cos = cosines(embeddings, weight)
        own = one_hot(labels, 37).bool()
        shifted = torch.cos((torch.acos(cos) + angle).clamp(0, math.pi)) - cosine
        return cross_entropy(64.0 * torch.where(own, shifted, cos), labels)

    agrees(loss, reference, batch(loss))


def test_quality_is_held_constant_so_a_norm_has_no_gradient(make, batch):
    loss = make("adaface")
    embeddings, labels = batch(loss)
    loss(embeddings, labels).backward()
    along = (embeddings.grad * embeddings.detach()).sum(1)
    assert along.abs().max() < 1e-9
    assert embeddings.grad.norm() > 0.1


def test_a_quality_is_the_clipped_standard_score(make_dense):
    loss = make_dense("adaface")
    place_at(loss, 11.0, 0.999)
    found = loss.head.quality(torch.tensor([0.0, 8.5, 11.0, 12.0, 14.5, 500.0], dtype=torch.float64))
    expected = torch.tensor([-1.0, -0.8325, 0.0, 0.333, 1.0, 1.0], dtype=torch.float64)
    torch.testing.assert_close(found, expected)


def test_running_figures_move_in_training_only(make_dense, batch):
    loss = make_dense("adaface")
    loss.eval()
    loss(*batch(loss))
    assert loss.head.mean == 20
    loss.train()
    loss(*batch(loss))
    assert loss.head.mean < 20


@pytest.mark.parametrize("start", ["published", "data"])
def test_a_batch_of_one_leaves_the_running_figures_alone(make_dense, batch, start):
    """One norm has no standard deviation; NaN would stay in the running one for good."""
    loss = make_dense("adaface", start=start)
    value = loss(*batch(loss, rows=1))
    assert value.isfinite()
    assert (loss.head.mean, loss.head.deviation) == (20, 100)
    embeddings, labels = batch(loss)
    loss(embeddings, labels)
    expected = running([embeddings.norm(dim=1).tolist()], 0.01, start=start)
    assert (loss.head.mean.item(), loss.head.deviation.item()) == pytest.approx(expected)


def test_started_from_data_the_small_preset_tells_norms_near_sqrt_d_apart(make_dense):
    """Embeddings of a BatchNorm: from the first step some are of good and some of poor quality."""
    loss = make_dense("adaface", preset="small", dim=128)
    rows = torch.randn(64, 128, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    rows = (rows - rows.mean(0)) / rows.std(0, correction=0)
    loss(rows, torch.arange(64) % 37)
    quality = loss.head.quality(rows.norm(dim=1))
    assert quality.std() == pytest.approx(0.333, abs=0.01)
    assert abs(quality.mean()) < 0.01
    assert loss.head.report(torch.ones(37)) == pytest.approx(
        {"norm_mean": math.sqrt(128), "norm_deviation": rows.norm(dim=1).std().item()}, rel=0.01
    )


@pytest.mark.parametrize("calls", [0, 2])
@pytest.mark.parametrize(("gradient", "past_pi"), CASES)
def test_gradient_check(make_tiny, batch, gradient, past_pi, calls):
    settings = {"scale": 4.0, "gradient": gradient, "past_pi": past_pi, "start": "data"}
    loss = make_tiny("adaface", **settings)
    for seed in range(calls):
        loss(*batch(loss, seed=seed))
    gradient_check(loss, *batch(loss, seed=9, rows=8))


@pytest.mark.parametrize(("gradient", "past_pi"), CASES)
@pytest.mark.parametrize("start", ["published", "data"])
def test_finite_at_the_poles_and_at_zero(make, stays_finite, gradient, past_pi, start):
    stays_finite(make("adaface", gradient=gradient, past_pi=past_pi, start=start))


def test_state_survives_saving(make_dense, batch):
    loss, again = make_dense("adaface", start="data"), make_dense("adaface", start="data")
    for seed in range(3):
        loss(*batch(loss, seed=seed))
    again.load_state_dict(loss.state_dict())
    data = batch(loss, seed=9)
    assert again(*data) == loss(*data)
    assert again.head.mean == loss.head.mean != 20


@pytest.mark.parametrize(
    "settings",
    [{"margin": 1.0}, {"concentration": 0}, {"rate": 0}, {"rate": 1.5}, {"start": "zero"}, {"scale": -1}],
)
def test_settings_out_of_range_are_refused(make_dense, settings):
    with pytest.raises(facezoo.FacezooError, match=f"{next(iter(settings))}"):
        make_dense("adaface", **settings)
