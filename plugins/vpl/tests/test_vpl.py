"""VPL against a reference that mixes the class vectors in a loop, and what follows from its definition."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn.functional import cross_entropy

import facezoo
from facezoo.testing import gradient_check

SETTINGS = {"scale": 16.0, "share": 0.3, "start": 2, "max_age": 2}


def unit(row):
    return row / row.norm()


def train(loss, batch, seeds=range(5)):
    """A step for each seed; returns the memory as {label: (last unit feature, step)}."""
    memory = {}
    for seed in seeds:
        embeddings, labels = batch(loss, seed=seed, rows=8)
        step = int(loss.step)
        loss(embeddings, labels).backward()
        loss.zero_grad()
        loss.after_step()
        for row, label in zip(embeddings.detach(), labels.tolist(), strict=True):
            memory[label] = (unit(row), step)
    return memory


def margined(cos, margin, past_pi, gradient):
    """cos(θ + m) of one cosine, from the definitions."""
    angle = torch.acos(cos) + margin
    turned = torch.cos(angle)
    if angle > math.pi:
        past = {"penalty": cos - margin * math.sin(margin), "clamp": 0 * cos - 1, "continue": -turned - 2}
        turned = past.get(past_pi, turned)
    return turned if gradient == "exact" else cos + (turned - cos).detach()


def slow(embeddings, weight, labels, memory, step, settings):
    """VPL one sample and one class at a time; `memory` as from `train`."""
    share, vectors = settings["share"], []
    for label, row in enumerate(weight):
        vector = unit(row)
        if label in memory and step - memory[label][1] <= settings["max_age"]:
            vector = unit((1 - share) * vector + share * memory[label][0])
        vectors.append(vector)
    total = 0.0
    for row, label in zip(embeddings, labels.tolist(), strict=True):
        cosines = [unit(row) @ vector for vector in vectors]
        margin, past_pi = settings.get("margin", 0.5), settings.get("past_pi", "penalty")
        cosines[label] = margined(cosines[label], margin, past_pi, settings.get("gradient", "exact"))
        total = total + cross_entropy(settings["scale"] * torch.stack(cosines), torch.tensor(label))
    return total / len(labels)


def reference(memory, step, settings):
    return lambda embeddings, weight, labels: slow(embeddings, weight, labels, memory, step, settings)


@pytest.mark.parametrize("gradient", ["exact", "detached"])
@pytest.mark.parametrize("past_pi", ["penalty", "clamp", "none", "continue"])
def test_equals_reference_with_fresh_old_and_unseen_classes(make, batch, agrees, past_pi, gradient):
    settings = {**SETTINGS, "past_pi": past_pi, "gradient": gradient}
    loss = make("vpl", **settings)
    memory = train(loss, batch)
    assert {5 - step <= 2 for _, step in memory.values()} == {True, False}
    data = batch(loss, seed=9)
    assert set(data[1].tolist()) - memory.keys(), "the batch should hold a class that the memory does not"
    agrees(loss, reference(memory, 5, settings), data)


@pytest.mark.parametrize("step", [7999, 8000])
def test_equals_reference_of_the_paper(make, batch, agrees, step):
    settings = {"scale": 64.0, "share": 0.15, "max_age": 200}
    loss = make("vpl", preset="paper")
    loss.step.fill_(step - 202)
    memory = train(loss, batch, [0, 1, 2])  # of which the first batch is too old by `step`
    loss.step.fill_(step)
    assert {step - when <= 200 for _, when in memory.values()} == {True, False}
    agrees(loss, reference(memory if step == 8000 else {}, step, settings), batch(loss, seed=9))


def test_is_arcface_without_a_share(make, batch, agrees):
    loss = make("vpl", **{**SETTINGS, "share": 0.0})
    train(loss, batch)
    agrees(loss, reference({}, 5, SETTINGS), batch(loss, seed=9))


@pytest.mark.parametrize(("step", "counts"), [(3, True), (5, True), (6, False)])
def test_a_feature_counts_while_it_is_at_most_max_age_old(make_dense, batch, step, counts):
    loss = make_dense("vpl", scale=16.0, share=0.3, start=0, max_age=5)
    train(loss, batch, [0])  # written at step 0
    loss.step.fill_(step)
    loss(*batch(loss, seed=1))
    shares = loss.head.shares.values
    assert set(shares.tolist()) == ({0.0, 0.3} if counts else {0.0})
    expected = loss.head.memory.seen.double().mean().item() if counts else 0.0
    assert loss.report(torch.ones(37, dtype=torch.int64)) == {"mixed": pytest.approx(expected)}


def test_memory_is_read_before_it_is_written_and_keeps_the_last_of_a_label(make, batch):
    loss = make("vpl", **SETTINGS)
    embeddings, labels = batch(loss)
    assert len(set(labels.tolist())) < len(labels)
    loss(embeddings, labels).backward()
    assert not loss.head.memory.seen.any()
    loss.after_step()
    for label in set(labels.tolist()):
        last = (labels == label).nonzero().flatten().tolist()[-1]
        torch.testing.assert_close(loss.head.memory.rows[label], unit(embeddings[last].detach()))


def test_oracle_lengths_of_the_class_vectors_do_not_matter(make, batch):
    loss = make("vpl", **SETTINGS)
    train(loss, batch)
    loss.eval()
    data = batch(loss, seed=9)
    before = loss(*data).item()
    with torch.no_grad():
        loss.prototypes.weight.mul_(torch.linspace(0.1, 9, 37).double()[:, None])
    assert loss(*data).item() == pytest.approx(before, rel=1e-12)


def test_oracle_a_memory_equal_to_the_class_vectors_only_slows_them(make, batch):
    """w̃ = μ: value and embeddings' gradient are ArcFace's, the class vectors' is (1 - λ) of it."""
    loss = make("vpl", **SETTINGS)
    leaves = [loss.prototypes.weight, *batch(loss)[:1]]
    labels = batch(loss)[1]
    plain = loss(leaves[1], labels)
    expected = torch.autograd.grad(plain, leaves)
    loss(loss.prototypes.weight.detach().clone(), torch.arange(37))
    loss.after_step()
    mixed = loss(leaves[1], labels)  # step 2
    assert loss.head.shares.values.eq(0.3).all()
    found = torch.autograd.grad(mixed, leaves)
    torch.testing.assert_close((mixed, found[1]), (plain, expected[1]))
    torch.testing.assert_close(found[0], 0.7 * expected[0])


def test_oracle_angle_of_a_mixed_vector(make_dense):
    """With q ⟂ μ: cos(w̃, μ) = (1 - λ) / √((1-λ)² + λ²), read from the loss of two classes."""
    loss = make_dense("vpl", classes=2, dim=3, scale=1.0, margin=0.0, share=0.3, start=0)
    axes = torch.eye(3, dtype=torch.float64)
    with torch.no_grad():
        loss.prototypes.weight.copy_(axes[:2])
    loss(axes[2:], torch.tensor([0]))
    loss.after_step()
    value = loss(axes[:1], torch.tensor([0])).item()
    turned = 0.7 / math.hypot(0.7, 0.3)
    assert value == pytest.approx(math.log1p(math.exp(-turned)), rel=1e-12)


@pytest.mark.parametrize("steps", [0, 4])
@pytest.mark.parametrize("gradient", ["exact", "detached"])
def test_gradient_check(make_tiny, batch, steps, gradient):
    loss = make_tiny("vpl", **{**SETTINGS, "scale": 4.0, "gradient": gradient})
    train(loss, batch, range(steps))
    assert bool(loss.head.shares.values.any()) == (steps > 0)
    gradient_check(loss, *batch(loss, seed=9, rows=8))


def test_finite_at_the_poles_and_at_zero(make, batch, stays_finite):
    loss = make("vpl", share=0.5, start=0)
    train(loss, batch)
    stays_finite(loss)
    loss = make("vpl", share=0.5, start=0)
    loss(-loss.prototypes.weight.detach(), torch.arange(37))  # a memory that cancels every class vector
    loss.after_step()
    stays_finite(loss)


def test_resumes_bit_for_bit(make_dense, resumes):
    loss, again = make_dense("vpl", **SETTINGS), make_dense("vpl", **SETTINGS)
    resumes(loss, again, train, {"head.memory.rows", "head.memory.last", "head.shares.values"})


def test_lengths_below_one_are_fractions_of_the_run(make_dense):
    loss = make_dense("vpl", preset="small", total_steps=500)
    assert (loss.head.start, loss.head.max_age) == (50, 10)
    assert make_dense("vpl", max_age=0.001, total_steps=100).head.max_age == 1
    with pytest.raises(facezoo.FacezooError, match="total_steps"):
        make_dense("vpl", preset="small")


@pytest.mark.parametrize(
    "settings",
    [{"share": 1.0}, {"share": -0.1}, {"start": 1.5}, {"start": -1}, {"max_age": 0}, {"max_age": 2.5}],
)
def test_settings_out_of_range_are_refused(make_dense, settings):
    with pytest.raises(facezoo.FacezooError, match=f"{next(iter(settings))}"):
        make_dense("vpl", total_steps=100, **settings)
