"""LH2Face (reconstructed) against a reference that loops over samples and identities, and its oracles."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import cross_entropy, one_hot

import facezoo
from facezoo.testing import gradient_check
from facezoo_lh2face.vmf import log_normaliser

# κ: h_512, A_512, h_256, A_256, from 60-digit arithmetic
NORMALISERS = {
    1.0: (-0.0009765606446, 0.00195311758, -0.0019531102147, 0.00390619086),
    10.0: (-0.0976377053822, 0.01952383402, -0.1951649388772, 0.03900353446),
    30.0: (-0.8774101611540, 0.05839472084, -1.7460467619246, 0.11563243536),
    64.0: (-3.9694970485877, 0.12311256624, -7.7702342515237, 0.23615462917),
    100.0: (-9.5888377071037, 0.18840476401, -18.286203464085, 0.34453932516),
}
LOG_NORMALISERS_AT_ZERO = {512: 867.968103, 256: 344.334876}
SETTINGS = [
    {},
    {"kappa_scale": 2.5, "margin": 0.2},
    {"proxy": "nll"},
    {"proxy": "nll", "vmf_dim": 512, "kappa_scale": 0.5},
    {"proxy_scale": 5.0, "proxy_margin": 0.3},
]


def bessel(order, kappa):
    """log I_order(κ) - log (κ/2)^order / Γ(order + 1), by the power series: all terms positive."""
    term, total = torch.ones_like(kappa), torch.ones_like(kappa)
    for k in range(1, 400):
        term = term * (kappa / 2) ** 2 / (k * (k + order))
        total = total + term
    return total.log()


def mean_softplus(groups):
    """Mean over the groups of log(1 + Σ e^x), x the 0-d logits of a group; a group may be empty."""
    sums = [1.0 + sum(torch.exp(logit) for logit in group) for group in groups]
    return sum(torch.log(torch.as_tensor(total, dtype=torch.float64)) for total in sums) / len(sums)


def dense(cosines, settings):
    full = {"margin": 0.35, "kappa_scale": 1.0, "proxy": "proxy_anchor", "proxy_scale": 32.0}
    full |= {"proxy_margin": 0.1, "vmf_dim": 256, **settings}
    alpha, delta = full["proxy_scale"], full["proxy_margin"]

    def terms(embeddings, weight, labels):
        kappa = full["kappa_scale"] * embeddings.norm(dim=1)
        cos, proxies = cosines(embeddings, weight), cosines(weight, weight)
        batch, every, own = range(len(labels)), range(len(weight)), sorted(set(labels.tolist()))
        margin = full["margin"] * kappa.detach().mean()
        vmf = cross_entropy(kappa[:, None] * cos - margin * one_hot(labels, len(weight)).double(), labels)
        if full["proxy"] == "nll":
            pull = (bessel(full["vmf_dim"] / 2 - 1, kappa) - kappa * cos[batch, labels]).mean()
        else:
            pull = mean_softplus([-alpha * (cos[i, p] - delta) for i in batch if labels[i] == p] for p in own)
        push = mean_softplus([alpha * (cos[i, p] + delta) for i in batch if labels[i] != p] for p in every)
        apart = mean_softplus([alpha * (proxies[p, q] + delta) for q in every if q != p] for p in own)
        return {"vmf": vmf, "pps": pull, "pns": push, "pp": apart}

    return terms


@pytest.mark.parametrize("settings", SETTINGS)
def test_equals_reference(make, batch, agrees, cosines, settings):
    loss = make("lh2face", **settings)
    terms = dense(cosines, settings)
    data = batch(loss, largest=30.0)
    agrees(loss, lambda *args: sum(terms(*args).values()), data)
    expected = terms(data[0].detach(), loss.prototypes.weight.detach(), data[1])
    for name, term in expected.items():
        assert loss.terms[name].item() == pytest.approx(term.item(), rel=1e-10), name


def test_oracle_equal_norms_make_vmf_cosface_of_that_scale(make, batch, cosines):
    loss = make("lh2face")
    embeddings, labels = batch(loss)
    embeddings = 12 * torch.nn.functional.normalize(embeddings.detach(), dim=1)
    loss(embeddings, labels)
    cos = cosines(embeddings, loss.prototypes.weight.detach())
    expected = cross_entropy(12 * (cos - 0.35 * one_hot(labels, 37).double()), labels)
    assert loss.terms["vmf"].item() == pytest.approx(expected.item(), rel=1e-12)


def test_oracle_a_constant_per_row_changes_nothing(make, batch, cosines):
    """Similarities that contain the normaliser log c_n(κ_i) give the same L_vMF: it cancels."""
    loss = make("lh2face")
    embeddings, labels = batch(loss)
    loss(embeddings, labels)
    kappa = embeddings.detach().norm(dim=1, keepdim=True)
    similarity = -bessel(127.0, kappa) + kappa * cosines(embeddings.detach(), loss.prototypes.weight.detach())
    expected = cross_entropy(similarity - 0.35 * kappa.mean() * one_hot(labels, 37).double(), labels)
    assert loss.terms["vmf"].item() == pytest.approx(expected.item(), rel=1e-12)


@pytest.mark.parametrize("kappa", NORMALISERS)
@pytest.mark.parametrize(("dim", "column"), [(512, 0), (256, 2)])
def test_oracle_log_normaliser_and_its_derivative(kappa, dim, column):
    point = torch.tensor(kappa, dtype=torch.float64, requires_grad=True)
    value = log_normaliser(point, dim)
    (slope,) = torch.autograd.grad(value, point)
    assert value.item() == pytest.approx(NORMALISERS[kappa][column], rel=1e-9)
    assert -slope.item() == pytest.approx(NORMALISERS[kappa][column + 1], rel=1e-8)


@pytest.mark.parametrize("dim", [512, 256])
def test_oracle_log_normaliser_at_zero(dim):
    """h is measured from log c_n(0), which is minus the log of the sphere's area."""
    area = torch.tensor(2.0).log() + dim / 2 * torch.tensor(torch.pi, dtype=torch.float64).log()
    area = area - torch.lgamma(torch.tensor(dim / 2, dtype=torch.float64))
    assert -area.item() == pytest.approx(LOG_NORMALISERS_AT_ZERO[dim], abs=1e-5)
    assert log_normaliser(torch.zeros(1, dtype=torch.float64), dim).item() == 0.0


@pytest.mark.parametrize(("dim", "tolerance"), [(16, 1e-4), (40, 1e-6), (128, 1e-8)])
def test_log_normaliser_of_small_dimensions(dim, tolerance):
    kappa = torch.linspace(0.1, 60, 25, dtype=torch.float64)
    torch.testing.assert_close(
        log_normaliser(kappa, dim), -bessel(dim / 2 - 1, kappa), rtol=tolerance, atol=0
    )


def test_log_normaliser_in_float32_keeps_its_gradient_at_zero_and_far_out():
    kappa = torch.tensor([0.0, 1e-3, 20.0, 1e4], requires_grad=True)
    value = log_normaliser(kappa, 256)
    value.sum().backward()
    expected = log_normaliser(kappa.detach().double(), 256)
    torch.testing.assert_close(value.detach().double(), expected, rtol=1e-5, atol=1e-7)
    assert kappa.grad[0] == 0
    assert kappa.grad[3].item() == pytest.approx(-1, abs=0.02)


@pytest.mark.parametrize("settings", SETTINGS)
def test_gradient_check(make_tiny, batch, settings):
    loss = make_tiny("lh2face", **{"proxy_scale": 3.0, **settings})
    gradient_check(loss, *batch(loss, largest=3.0, rows=8))


@pytest.mark.parametrize("settings", SETTINGS)
def test_finite_at_the_poles_and_at_zero(make, stays_finite, settings):
    stays_finite(make("lh2face", **settings))


def test_a_batch_of_one_identity(make, batch, cosines):
    """The column term has nothing to sum over for that identity; its part is 0, not NaN."""
    loss = make("lh2face")
    embeddings, _ = batch(loss)
    labels = torch.full((24,), 3)
    value = loss(embeddings, labels)
    value.backward()
    assert value.isfinite()
    assert embeddings.grad.isfinite().all()
    expected = dense(cosines, {})(embeddings.detach(), loss.prototypes.weight.detach(), labels)
    assert value.item() == pytest.approx(sum(term.item() for term in expected.values()), rel=1e-10)


@pytest.mark.parametrize(
    "settings", [{"proxy": "anchor"}, {"vmf_dim": 8}, {"kappa_scale": 0}, {"margin": 1.0}]
)
def test_settings_out_of_range_are_refused(make_dense, settings):
    with pytest.raises(facezoo.FacezooError, match=f"{next(iter(settings))}"):
        make_dense("lh2face", **settings)
