"""AnchorFace against a reference that loops over pairs, and what follows from its definition."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn.functional import cross_entropy

import facezoo
import facezoo_anchorface.pairs
from facezoo.testing import gradient_check
from facezoo_anchorface.pairs import Pairs
from facezoo_anchorface.stored import StoredFeatures

SETTINGS = {
    "scale": 12.0, "anchor_far": 0.05, "temperature": 0.1, "far_weight": 7.0, "tar_weight": 3.0,
    "per_identity": 2, "max_age": 3,
}  # fmt: skip


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Stored features arrive in several parts."""
    monkeypatch.setattr(facezoo_anchorface.pairs, "BLOCK", 24 * 7)


def unit(row):
    return row / row.norm()


class Store:
    """Every feature ever seen as (label, unit feature, step); what counts is worked out when it is read."""

    def __init__(self):
        self.seen = []

    def take(self, embeddings, labels, step):
        rows = zip(embeddings.detach(), labels.tolist(), strict=True)
        self.seen += [(label, unit(row), step) for row, label in rows]

    def young(self, step, per_identity, max_age):
        newest = {}
        for label, feature, when in self.seen:
            newest.setdefault(label, []).append((feature, when))
        return [
            (label, feature)
            for label, entries in newest.items()
            for feature, when in entries[-per_identity:]
            if step - when <= max_age
        ]


def train(loss, batch, seeds=range(6)):
    store = Store()
    for seed in seeds:
        embeddings, labels = batch(loss, seed=seed, rows=8)
        store.take(embeddings, labels, int(loss.step))
        loss(embeddings, labels).backward()
        loss.zero_grad()
        loss.after_step()
    return store


def pairs_of(embeddings, labels, stored):
    """Cosines of the genuine and of the impostor pairs, as two lists."""
    genuine, impostor = [], []
    labels = labels.tolist()
    for place, row in enumerate(embeddings):
        others = [(labels[other], unit(embeddings[other])) for other in range(place)]
        for label, feature in [*others, *stored]:
            (genuine if label == labels[place] else impostor).append(unit(row) @ feature)
    return genuine, impostor


def level_of(impostor, far):
    ordered = sorted((cos.item() for cos in impostor), reverse=True)
    return ordered[max(1, int(far * len(ordered))) - 1]


def base(embeddings, weight, labels, scale, margin=0.5, cosine_margin=0.0):
    """ArcFace and CosFace together, past π with the penalty."""
    total = 0.0
    for row, label in zip(embeddings, labels.tolist(), strict=True):
        cosines = [unit(row) @ unit(vector) for vector in weight]
        own, angle = cosines[label], torch.acos(cosines[label])
        past = angle + margin > math.pi
        turned = own - margin * math.sin(margin) if past else torch.cos(angle + margin)
        cosines[label] = (turned if margin else own) - cosine_margin
        total = total + cross_entropy(scale * torch.stack(cosines), torch.tensor(label))
    return total / len(labels)


def slow(embeddings, weight, labels, store, step, settings):
    stored = store.young(step, settings["per_identity"], settings["max_age"])
    genuine, impostor = pairs_of(embeddings, labels, stored)
    level, width = level_of(impostor, settings["anchor_far"]), settings["temperature"]
    total = base(embeddings, weight, labels, **{name: settings[name] for name in settings if name in BASE})
    missed = sum(1 - torch.sigmoid((cos - level) / width) for cos in genuine) / len(genuine)
    accepted = sum(torch.sigmoid((cos - level) / width) for cos in impostor) / len(impostor)
    return total + settings["tar_weight"] * missed + settings["far_weight"] * accepted


BASE = {"scale", "margin", "cosine_margin"}
VARIANTS = [
    {},
    {"margin": 0.0, "cosine_margin": 0.35},
    {"margin": 0.3, "cosine_margin": 0.2},
    {"per_identity": 5, "max_age": 1},
    {"anchor_far": 1e-4},
    {"anchor_far": 0.3, "temperature": 0.02},
    {"tar_weight": 0.0},
    {"far_weight": 0.0},
]


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_equals_reference(make, batch, agrees, variant):
    settings = {**SETTINGS, **variant}
    loss = make("anchorface", **settings)
    store = train(loss, batch)
    stored = store.young(6, settings["per_identity"], settings["max_age"])
    assert 7 < len(stored) < len(store.seen)
    data = batch(loss, seed=9)
    agrees(loss, lambda *args: slow(*args, store, 6, settings), data)
    assert loss.threshold == pytest.approx(
        level_of(pairs_of(data[0].detach(), data[1], stored)[1], settings["anchor_far"]), rel=1e-12
    )


def test_equals_reference_at_the_first_step(make, batch, agrees):
    loss = make("anchorface", **SETTINGS)
    agrees(loss, lambda *args: slow(*args, Store(), 0, SETTINGS), batch(loss))
    assert set(loss.terms) == {"base", "tar", "far"}


def test_equals_reference_of_the_paper(make, batch, agrees):
    loss = make("anchorface", preset="paper")
    store = train(loss, batch)
    settings = {"scale": 64.0, "anchor_far": 1e-4, "temperature": 0.01, "far_weight": 1000.0,
                "tar_weight": 1.0, "per_identity": 5, "max_age": 1000}  # fmt: skip
    agrees(loss, lambda *args: slow(*args, store, 6, settings), batch(loss, seed=9))


@pytest.mark.parametrize("gradient", ["exact", "detached"])
@pytest.mark.parametrize("past_pi", ["clamp", "none", "continue", "penalty"])
def test_base_margin_is_the_one_that_was_asked_for(make, batch, agrees, cosines, past_pi, gradient):
    weights = {"far_weight": 0.0, "tar_weight": 0.0}
    loss = make("anchorface", scale=12.0, margin=0.7, past_pi=past_pi, gradient=gradient, **weights)

    def reference(embeddings, weight, labels):
        cos = cosines(embeddings, weight)
        own = cos.gather(1, labels[:, None])
        turned = torch.cos(torch.acos(own) + 0.7)
        past = {"clamp": -torch.ones_like(own), "none": turned, "continue": -turned - 2}
        past["penalty"] = own - 0.7 * math.sin(0.7)
        value = torch.where(torch.acos(own) + 0.7 > math.pi, past[past_pi], turned)
        value = value if gradient == "exact" else own + (value - own).detach()
        return cross_entropy(12 * cos.scatter(1, labels[:, None], value), labels)

    agrees(loss, reference, batch(loss))


def test_oracle_a_narrow_step_gives_tar_at_far(make, batch):
    """τ → 0: L_TAR = 1 - TAR at the threshold, L_FAR = (k - 1/2) / N, since the k-th pair lies on it."""
    settings = {**SETTINGS, "temperature": 1e-9, "far_weight": 1.0, "tar_weight": 1.0}
    loss = make("anchorface", **settings)
    store = train(loss, batch)
    embeddings, labels = batch(loss, seed=9)
    loss(embeddings, labels)
    genuine, impostor = pairs_of(embeddings.detach(), labels, store.young(6, 2, 3))
    level = level_of(impostor, 0.05)
    count = int(0.05 * len(impostor))
    assert sum(cos.item() >= level for cos in impostor) == count
    rejected = sum(cos.item() < level for cos in genuine) / len(genuine)
    assert 0 < rejected < 1
    assert loss.terms["tar"].item() == pytest.approx(rejected, rel=1e-6)
    assert loss.terms["far"].item() == pytest.approx((count - 0.5) / len(impostor), rel=1e-3)


def test_oracle_gradient_of_one_genuine_pair():
    """∂L_TAR/∂cos = -σ(u)(1 - σ(u)) / (τ P), u = (cos - t)/τ; a stored feature has none."""
    units = torch.eye(3, dtype=torch.float64)[:1].requires_grad_()
    stored = torch.tensor([[0.6, 0.8, 0.0], [0.0, 0.0, 1.0]], dtype=torch.float64)
    pairs = Pairs(units, torch.tensor([4]), stored, torch.tensor([4, 5]))
    assert pairs.counts() == (1, 1)
    true, _ = pairs.accepted(torch.tensor(0.5, dtype=torch.float64), 0.2)
    (found,) = torch.autograd.grad(true, units)
    soft = 1 / (1 + math.exp(-0.5))
    torch.testing.assert_close(found[0], soft * (1 - soft) / 0.2 * stored[0])


@pytest.mark.parametrize("seed", range(4))
def test_counts_equal_a_loop(seed):
    source = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, 6, (9,), generator=source)
    owners = torch.randint(0, 9, (20 * seed,), generator=source).sort().values
    units, stored = torch.randn(9, 4, generator=source), torch.randn(20 * seed, 4, generator=source)
    genuine, impostor = pairs_of(units, labels, list(zip(owners.tolist(), stored, strict=True)))
    assert Pairs(units, labels, stored, owners).counts() == (len(genuine), len(impostor))


def test_a_rate_that_the_pairs_cannot_support_takes_the_largest_impostor():
    units = torch.nn.functional.normalize(torch.randn(5, 4), dim=1)
    pairs = Pairs(units, torch.arange(5), units[:0], torch.arange(0))
    assert pairs.threshold(1e-4) == pairs.threshold(0.1) == torch.triu(units @ units.T, 1).max()
    assert pairs.threshold(0.2) < pairs.threshold(0.1)  # two of ten pairs


@pytest.mark.parametrize("per_identity", [1, 2, 5])
def test_the_store_keeps_the_newest_of_each_identity_in_order(per_identity):
    store, expected = StoredFeatures(4, 2, per_identity), Store()
    source = torch.Generator().manual_seed(per_identity)
    for step in range(6):
        labels = torch.randint(0, 4, (7,), generator=source)  # up to seven of one identity
        units = torch.nn.functional.normalize(torch.randn(7, 2, generator=source), dim=1)
        store.write(labels, units, step)
        expected.take(units, labels, step)
        for max_age in (1, 3):
            rows, owners = store.young(step + 1, max_age)
            found = sorted((int(owner), row.tolist()) for owner, row in zip(owners, rows, strict=True))
            wanted = expected.young(step + 1, per_identity, max_age)
            assert [label for label, _ in found] == sorted(label for label, _ in wanted)
            ordered = sorted((label, row.tolist()) for label, row in wanted)
            torch.testing.assert_close([row for _, row in found], [row for _, row in ordered])


def test_store_is_read_before_it_is_written(make_dense, batch):
    loss = make_dense("anchorface", **SETTINGS)
    loss(*batch(loss)).backward()
    assert loss.head.stored.last.eq(-1).all()
    loss.after_step()
    assert loss.head.stored.last.max() == 0


def test_the_base_trains_alone_until_an_impostor_pair_is_met(make, batch):
    loss = make("anchorface", **SETTINGS)
    embeddings, labels = batch(loss)
    assert loss.threshold is None
    loss(embeddings, torch.zeros_like(labels)).backward()
    assert set(loss.terms) == {"base"}
    assert loss.threshold is None
    loss.after_step()
    loss(embeddings, labels)
    assert set(loss.terms) == {"base", "tar", "far"}
    level = loss.threshold
    loss.after_step()
    loss.head.stored.last.fill_(-1)
    loss(embeddings, torch.zeros_like(labels))  # without impostors the last threshold stands
    assert loss.threshold == level
    assert loss.terms["far"] == 0


def test_without_a_genuine_pair_the_tar_loss_is_zero(make, batch):
    loss = make("anchorface", **SETTINGS)
    embeddings, _ = batch(loss)
    loss(embeddings, torch.arange(24)).backward()
    assert loss.terms["tar"] == 0
    assert embeddings.grad.isfinite().all()


def test_evaluation_mode_changes_nothing(make_dense, batch):
    loss = make_dense("anchorface", **SETTINGS)
    train(loss, batch)
    before = {name: tensor.clone() for name, tensor in loss.state_dict().items()}
    loss.eval()
    loss(*batch(loss, seed=9))
    loss.after_step()
    assert all(torch.equal(before[name], tensor) for name, tensor in loss.state_dict().items())


@pytest.mark.parametrize("steps", [0, 4])
def test_gradient_check(make_tiny, batch, steps):
    loss = make_tiny("anchorface", **{**SETTINGS, "scale": 4.0, "temperature": 0.4})
    train(loss, batch, range(steps))
    gradient_check(loss, *batch(loss, seed=9, rows=8))


def test_finite_at_the_poles_and_at_zero(make, batch, stays_finite):
    loss = make("anchorface", far_weight=10.0)
    stays_finite(loss)
    train(loss, batch)
    stays_finite(loss)


def test_resumes_bit_for_bit(make_dense, resumes):
    loss, again = make_dense("anchorface", **SETTINGS), make_dense("anchorface", **SETTINGS)
    parts = {"head.stored.rows", "head.stored.last", "head.stored.turn", "head.level", "head.level_set"}
    resumes(loss, again, train, parts)
    assert again.threshold == loss.threshold


def test_an_age_below_one_is_a_fraction_of_the_run(make_dense):
    assert make_dense("anchorface", preset="small", total_steps=500).head.max_age == 50
    with pytest.raises(facezoo.FacezooError, match="total_steps"):
        make_dense("anchorface", preset="small")


@pytest.mark.parametrize(
    "settings",
    [{"anchor_far": 0.0}, {"anchor_far": 1.0}, {"temperature": 0}, {"max_age": 1.5}, {"per_identity": 0}],
)
def test_settings_out_of_range_are_refused(make_dense, settings):
    with pytest.raises(facezoo.FacezooError, match=f"{next(iter(settings))}"):
        make_dense("anchorface", **settings)
