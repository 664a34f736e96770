"""EPL against a reference that loops over samples and prototypes, and the oracles of its equations."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn.functional import cross_entropy, normalize

import facezoo
from facezoo.testing import gradient_check

SETTINGS = {"scale": 12.0, "margin": 0.3, "adaptation": 0.7, "start_epochs": 1.0, "steps_per_epoch": 2}
RULES = ["sigmoid", "softsign", "robust"]


def unit(row):
    return row / row.norm()


def alpha(rule, cos):
    if rule == "sigmoid":
        return 1 / (1 + math.exp(-cos))
    if rule == "softsign":
        return cos / (1 + abs(cos))
    return 1 - 0.5 * max(0.0, cos)


def write(memory, rows, labels, rule):
    """The samples of a batch into {label: unit prototype}, one by one."""
    for row, label in zip(rows.detach(), labels.tolist(), strict=True):
        if label in memory:
            kept = alpha(rule, (unit(row) @ memory[label]).item())
            memory[label] = unit(kept * memory[label] + (1 - kept) * unit(row))
        else:
            memory[label] = unit(row)


def filled(loss, batch, rule="sigmoid", steps=3):
    """Trained for `steps` steps on changing batches; returns the memory as it must be then."""
    memory = {}
    for seed in range(steps):
        embeddings, labels = batch(loss, seed=seed)
        loss(embeddings, labels).backward()
        loss.zero_grad()
        loss.after_step()
        write(memory, embeddings, labels, rule)
    return memory


def learned(cosines, embeddings, weight, labels, kind="cosface", bias=None, scale=12.0, margin=0.3):
    total = 0.0
    for cos, label in zip(cosines(embeddings, weight), labels.tolist(), strict=True):
        own, others = cos[label], torch.cat([cos[:label], cos[label + 1 :]])
        if kind == "arcface":
            turned = torch.acos(own) + margin
            target = scale * (torch.cos(turned) if turned <= math.pi else own - margin * math.sin(margin))
        else:
            target = scale * (own - margin)
        if kind == "bce":
            total = total + torch.log1p(torch.exp(bias - target))
            total = total + torch.log1p(torch.exp(scale * others - bias)).sum()
        else:
            total = total + torch.log1p((scale * others - target).exp().sum())
    return total / len(labels)


def empirical(memory, embeddings, labels, scale=12.0, adaptation=0.7):
    total = 0.0
    for row, label in zip(embeddings, labels.tolist(), strict=True):
        if label in memory:
            own = unit(row) @ memory[label]
            logits = [scale * (own - adaptation * own.item())]
            logits += [scale * (unit(row) @ other) for place, other in memory.items() if place != label]
            total = total + torch.log(sum(map(torch.exp, logits))) - logits[0]
    return total / len(labels)


@pytest.mark.parametrize("kind", ["cosface", "arcface", "bce"])
def test_equals_reference_before_the_start(make, batch, agrees, cosines, kind):
    loss = make("epl", learned=kind, **SETTINGS)
    data = batch(loss)
    if kind == "bce":
        loss(*data)
    scalars = [loss.head.bias] if kind == "bce" else []

    def reference(embeddings, weight, labels, bias=None):
        return 0.5 * learned(cosines, embeddings, weight, labels, kind, bias)

    agrees(loss, reference, data, scalars)
    assert set(loss.terms) == {"learned"}


@pytest.mark.parametrize(
    ("kind", "rule"),
    [("cosface", rule) for rule in RULES] + [("arcface", "sigmoid"), ("bce", "sigmoid")],
)
def test_equals_reference_with_both_branches(make, batch, agrees, cosines, kind, rule):
    loss = make("epl", learned=kind, update=rule, **SETTINGS)
    memory = filled(loss, batch, rule)
    data = batch(loss, seed=9)
    unseen = [label for label in data[1].tolist() if label not in memory]
    assert unseen, "the batch should hold an identity that the memory does not"
    scalars = [loss.head.bias] if kind == "bce" else []

    def reference(embeddings, weight, labels, bias=None):
        one = learned(cosines, embeddings, weight, labels, kind, bias)
        return 0.5 * (one + empirical(memory, embeddings, labels))

    agrees(loss, reference, data, scalars)
    assert set(loss.terms) == {"learned", "empirical"}


@pytest.mark.parametrize("rule", RULES)
def test_equals_reference_with_the_update_before_the_loss(make, batch, agrees, cosines, rule):
    loss = make("epl", update=rule, update_order="before", **SETTINGS)
    memory = filled(loss, batch, rule)
    data = batch(loss, seed=9)
    write(memory, *data, rule)

    def reference(embeddings, weight, labels):
        one = learned(cosines, embeddings, weight, labels)
        return 0.5 * (one + empirical(memory, embeddings, labels))

    agrees(loss, reference, data)


@pytest.mark.parametrize("order", ["after", "before"])
@pytest.mark.parametrize("rule", RULES)
def test_prototypes_take_samples_in_one_after_the_other(make, batch, rule, order):
    loss = make("epl", update=rule, update_order=order, **SETTINGS)
    memory = filled(loss, batch, rule, steps=4)
    labels = batch(loss)[1]
    assert len(set(labels.tolist())) < len(labels)
    assert loss.head.memory.seen.nonzero().flatten().tolist() == sorted(memory)
    for label, row in memory.items():
        torch.testing.assert_close(loss.head.memory.rows[label].double(), row, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(("order", "seen"), [("after", False), ("before", True)])
def test_the_order_says_whether_a_sample_meets_itself(make_dense, batch, order, seen):
    loss = make_dense("epl", update_order=order, **SETTINGS)
    embeddings, labels = batch(loss)
    loss(embeddings, labels)
    assert loss.head.memory.seen[labels].all().item() is seen
    loss.after_step()
    assert loss.head.memory.seen[labels].all()
    rows = loss.head.memory.rows.clone()
    loss.eval()
    loss(embeddings, labels)
    loss.after_step()
    assert torch.equal(loss.head.memory.rows, rows)


def share_of_sample(make_dense, rule, cos):
    """1 - α, found from how far one sample at cosine `cos` turns a prototype."""
    loss = make_dense("epl", update=rule, **SETTINGS)
    axis = torch.zeros(1, 11, dtype=torch.float64)
    axis[0, 0] = 1.0
    sample = cos * axis
    sample[0, 1] = math.sqrt(1 - cos**2)
    for row in (axis, sample):
        loss(row, torch.tensor([5]))
        loss.after_step()
    along, across = loss.head.memory.rows[5, :2].tolist()
    return across / (across * (1 - cos) + along * sample[0, 1].item())


@pytest.mark.parametrize(
    ("rule", "shares"),  # at cosines -0.5, 0, 0.5 and 1/1.25, by hand
    [
        ("sigmoid", [0.6224593, 0.5, 0.3775407, 0.3100255]),
        ("softsign", [4 / 3, 1.0, 2 / 3, 5 / 9]),
        ("robust", [0.0, 0.0, 0.25, 0.4]),
    ],
)
def test_oracle_hard_samples_weigh_more_except_with_the_robust_rule(make_dense, rule, shares):
    found = [share_of_sample(make_dense, rule, cos) for cos in (-0.5, 0.0, 0.5, 0.8)]
    assert found == pytest.approx(shares, abs=1e-7)


@pytest.mark.parametrize("rule", RULES)
def test_zero_embeddings_enter_no_prototype(make_dense, rule):
    loss = make_dense("epl", update=rule, **SETTINGS)
    embeddings, labels = torch.zeros(3, 11, dtype=torch.float64), torch.tensor([0, 1, 1])
    embeddings[2, 4] = 3.0
    loss(embeddings, labels)
    loss.after_step()
    assert loss.head.memory.seen.nonzero().flatten().tolist() == [1]
    loss(torch.zeros(1, 11, dtype=torch.float64), torch.tensor([1]))
    loss.after_step()
    assert loss.head.memory.rows[1, 4] == 1


def test_oracle_without_margins_and_with_equal_prototypes_it_is_normface(make_dense):
    settings = {"margin": 0.0, "adaptation": 0.0, "start_epochs": 0.0, "scale": 8.0}
    loss = make_dense("epl", **settings)
    weight = loss.prototypes.weight.detach()
    loss(weight, torch.arange(37))
    loss.after_step()  # the memory now equals the class vectors
    embeddings = torch.randn(12, 11, dtype=torch.float64)
    labels = torch.randint(0, 37, (12,))
    logits = 8 * normalize(embeddings, dim=1) @ normalize(weight, dim=1).T
    loss.eval()
    value = loss(embeddings, labels).item()
    assert value == pytest.approx(cross_entropy(logits, labels).item(), rel=1e-12)


def test_oracle_empirical_target_has_value_one_less_k_and_slope_s(make_dense):
    """One other prototype at a right angle: CE = softplus(0 - s (1-k) v), slope -s (1-p), by hand."""
    loss = make_dense("epl", **{**SETTINGS, "start_epochs": 0.0})
    axes = torch.eye(11, dtype=torch.float64)[:2]
    loss(axes, torch.arange(2))
    loss.after_step()
    cos, scale, k = 0.6, 12.0, 0.7
    sample = torch.zeros(1, 11, dtype=torch.float64)
    sample[0, 0], sample[0, 4] = cos, 0.8
    sample.requires_grad_()
    own = torch.tensor([0])
    (both,) = torch.autograd.grad(loss(sample, own), sample)
    probability = 1 / (1 + math.exp(-scale * (1 - k) * cos))
    assert 2 * loss.terms["empirical"].item() == pytest.approx(-math.log(probability), rel=1e-12)
    loss.head.start = 100
    (one,) = torch.autograd.grad(loss(sample, own), sample)
    # along the axis of the own prototype; the part along the sample itself changes no cosine
    slope = -scale * (1 - probability) * (1 - cos * cos)
    assert 2 * (both - one)[0, 0].item() == pytest.approx(slope, rel=1e-10)


def test_the_start_may_be_a_share_of_the_run(make_dense, batch):
    loss = make_dense("epl", start_epochs=0.0, start_fraction=0.5, total_steps=4)
    found = []
    for seed in range(4):
        loss(*batch(loss, seed=seed))
        found.append("empirical" in loss.terms)
    assert found == [False, False, True, True]


def test_published_logits_do_not_overflow(batch):
    """e^{l_j} e^{-l_y} would, in float32, at s = 64 and cosines of -1 and 1."""
    loss = facezoo.build("epl", classes=2, dim=2, start_epochs=0.0)
    axes = torch.tensor([[1.0, 0.0], [-1.0, 0.0]])
    loss(axes, torch.arange(2))
    loss.after_step()
    rows = axes.flip(0).requires_grad_()
    loss(rows, torch.arange(2)).backward()
    # the target -1 + 0.7 against 1 of the other
    assert loss.terms["empirical"].item() == pytest.approx(0.5 * 64 * 1.3, rel=1e-6)
    assert rows.grad.isfinite().all()


def test_bce_has_a_threshold_and_starts_it_from_data(make, batch, cosines):
    loss = make("epl", learned="bce", **SETTINGS)
    assert loss.threshold is None
    embeddings, labels = batch(loss)
    loss(embeddings, labels)
    levels = []
    for cos, label in zip(cosines(embeddings, loss.prototypes.weight).tolist(), labels.tolist(), strict=True):
        levels.append(math.log(sum(math.exp(12 * c) for place, c in enumerate(cos) if place != label)))
    assert loss.threshold == pytest.approx(sum(levels) / len(levels) / 12, rel=1e-12)
    loss(*batch(loss, seed=3))
    assert loss.threshold == pytest.approx(sum(levels) / len(levels) / 12, rel=1e-12)
    assert make("epl", **SETTINGS).threshold is None
    groups = {group["name"]: group["weight_decay"] for group in loss.param_groups(0.1, 5e-4)}
    assert groups == {"prototypes": 5e-4, "bias": 0.0}


VARIANTS = [{}, {"learned": "arcface"}, {"learned": "bce"}, {"update_order": "before", "update": "softsign"}]


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("steps", [0, 3])
def test_gradient_check(make_tiny, batch, steps, variant):
    loss = make_tiny("epl", **SETTINGS, **variant)
    filled(loss, batch, steps=steps)
    gradient_check(loss, *batch(loss, seed=9, rows=8), tolerance=3e-6)


@pytest.mark.parametrize("variant", VARIANTS)
def test_finite_at_the_poles_and_at_zero(make, batch, stays_finite, variant):
    loss = make("epl", steps_per_epoch=1, **variant)
    filled(loss, batch, steps=4)
    stays_finite(loss)


@pytest.mark.parametrize("variant", VARIANTS)
def test_state_survives_saving(make_dense, batch, variant):
    loss, again = (make_dense("epl", **SETTINGS, **variant) for _ in range(2))
    filled(loss, batch)
    again.load_state_dict(loss.state_dict())
    data = batch(loss, seed=9)
    assert again(*data) == loss(*data)
    assert "empirical" in again.terms
    assert again.threshold == loss.threshold
    loss.after_step(), again.after_step()
    assert torch.equal(again.head.memory.rows, loss.head.memory.rows)


def test_lengths_that_are_needed_and_missing_are_named(make_dense):
    with pytest.raises(facezoo.FacezooError, match="steps_per_epoch"):
        make_dense("epl")
    with pytest.raises(facezoo.FacezooError, match="total_steps"):
        make_dense("epl", preset="small")
    make_dense("epl", start_epochs=0.0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"update": "none"}, "update"),
        ({"adaptation": 1.1}, "adaptation"),
        ({"margin": 1.0}, "margin"),
        ({"learned": "sphereface"}, "learned"),
        ({"start_fraction": 0.2}, "set one of them to 0"),
    ],
)
def test_settings_that_make_no_sense_are_refused(make_dense, settings, message):
    with pytest.raises(facezoo.FacezooError, match=message):
        make_dense("epl", steps_per_epoch=2, total_steps=8, **settings)
