"""Reductions of the class engine against loops, and the rules an author can break."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

import facezoo
from facezoo import FacezooError, hold, margins
from facezoo.engine import Prototypes
from facezoo.engine.layout import Dense, Streamed
from facezoo.engine.streamed.products import Matmul, Precision, multiplies_bf16
from facezoo.engine.terms import Layout
from facezoo.engine.units import norms_and_units
from facezoo.holding import HeldValues

BATCH, CLASSES, DIM = 9, 23, 6
LAYOUTS = {"dense": Dense, "streamed": lambda: Streamed(block_elements=8 * BATCH)}


@pytest.fixture(params=LAYOUTS)
def layout(request: pytest.FixtureRequest) -> Layout:
    return LAYOUTS[request.param]()


@pytest.fixture
def prototypes() -> Prototypes:
    return Prototypes(CLASSES, DIM, seed=3).double()


@pytest.fixture
def batch(layout: Layout) -> facezoo.Batch:
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(BATCH, DIM, generator=generator, dtype=torch.float64)
    return facezoo.Batch(rows, torch.randint(0, CLASSES, (BATCH,), generator=generator), 0, layout)


@pytest.fixture
def scores(prototypes: Prototypes, batch: facezoo.Batch) -> facezoo.Scores:
    return batch.against(prototypes)


def cosine(left: Tensor, right: Tensor) -> float:
    dot = sum(a * b for a, b in zip(left.tolist(), right.tolist(), strict=True))
    return dot / math.sqrt(sum(a * a for a in left.tolist())) / math.sqrt(sum(b * b for b in right.tolist()))


def others(batch: facezoo.Batch, vectors: Tensor, row: int) -> list[float]:
    own = int(batch.labels[row])
    return [cosine(batch.raw[row], vectors[c]) for c in range(len(vectors)) if c != own]


def close(found: Tensor, expected: list[float]) -> None:
    assert found.tolist() == pytest.approx(expected, rel=1e-12)


def test_target_is_the_cosine_to_the_own_class(
    scores: facezoo.Scores, batch: facezoo.Batch, prototypes: Prototypes
) -> None:
    close(
        scores.target, [cosine(r, prototypes.weight[y]) for r, y in zip(batch.raw, batch.labels, strict=True)]
    )


def test_row_reductions_equal_loops(
    scores: facezoo.Scores, batch: facezoo.Batch, prototypes: Prototypes
) -> None:
    rest = [others(batch, prototypes.weight, row) for row in range(BATCH)]
    close(scores.logsumexp(scale=64.0), [math.log(sum(math.exp(64 * c) for c in row)) for row in rest])
    close(
        scores.logsumexp(lambda c: 900 * c),
        [900 * max(row) + math.log(sum(math.exp(900 * (c - max(row))) for c in row)) for row in rest],
    )
    close(
        scores.softplus(scale=64.0, shift=-20.0),
        [sum(math.log1p(math.exp(64 * c - 20)) for c in row) for row in rest],
    )
    close(scores.sum(lambda c: c * c), [sum(c * c for c in row) for row in rest])
    close(scores.max(), [max(row) for row in rest])


def test_columns_equal_loops(scores: facezoo.Scores, batch: facezoo.Batch, prototypes: Prototypes) -> None:
    total = 0.0
    for c in range(CLASSES):
        rows = [r for r in range(BATCH) if int(batch.labels[r]) != c]
        total += math.log1p(
            sum(math.exp(32 * (cosine(batch.raw[r], prototypes.weight[c]) + 0.1)) for r in rows)
        )
    close(scores.columns(scale=32.0, shift=3.2, then=margins.softplus)[None], [total])


def test_a_memory_counts_only_seen_classes(layout: Layout, batch: facezoo.Batch) -> None:
    memory = facezoo.ClassMemory(CLASSES, DIM).double()
    seen = [0, 1, 5, 22, int(batch.labels[0])]
    memory.write(torch.tensor(seen), torch.randn(len(seen), DIM, dtype=torch.float64), step=4)
    against = batch.against(memory)
    expected = []
    for row in range(BATCH):
        rest = [c for c in set(seen) if c != int(batch.labels[row])]
        expected.append(math.log(sum(math.exp(8 * cosine(batch.raw[row], memory.rows[c])) for c in rest)))
    close(against.logsumexp(scale=8.0), expected)
    assert against.known.tolist() == [int(y) in seen for y in batch.labels]


def test_gradients_against_a_memory_follow_a_maximum_that_rises_from_block_to_block(layout: Layout) -> None:
    generator = torch.Generator().manual_seed(1)
    rows = torch.randn(BATCH, DIM, generator=generator, dtype=torch.float64, requires_grad=True)
    scale = torch.linspace(200, 900, BATCH, dtype=torch.float64, requires_grad=True)
    labels = torch.arange(BATCH)
    memory = facezoo.ClassMemory(CLASSES, DIM).double()
    vectors = torch.randn(CLASSES, DIM, generator=generator, dtype=torch.float64)
    memory.write(torch.arange(CLASSES), nn.functional.normalize(vectors, dim=1), step=1)
    against = facezoo.Batch(rows, labels, 0, layout).against(memory)
    found = torch.autograd.grad(against.logsumexp(lambda c, s: s * c, scale).sum(), [rows, scale])

    logits = scale[:, None] * (nn.functional.normalize(rows, dim=1) @ memory.rows.T)
    own = nn.functional.one_hot(labels, CLASSES).bool()
    expected = torch.autograd.grad(logits.masked_fill(own, -math.inf).logsumexp(1).sum(), [rows, scale])
    for one, other in zip(found, expected, strict=True):
        assert torch.allclose(one, other, rtol=1e-10, atol=1e-12)


def test_a_function_of_infinite_slope_never_meets_the_own_class(layout: Layout) -> None:
    prototypes = Prototypes(DIM, DIM, seed=3).double()
    prototypes.weight.data.copy_(torch.eye(DIM))  # cosines are 1 and 0 exactly; arccos is steepest at 1
    rows = torch.eye(DIM, dtype=torch.float64, requires_grad=True)
    against = facezoo.Batch(rows, torch.arange(DIM), 0, layout).against(prototypes)
    for reduced in (against.sum(torch.acos), against.logsumexp(torch.acos)):
        (gradient,) = torch.autograd.grad(reduced.sum(), rows, retain_graph=True)
        assert gradient.isfinite().all()


def test_what_is_shorter_than_the_smallest_norm_has_no_direction() -> None:
    vectors = torch.tensor([[3e-13, 0.0], [0.0, 3e-12]], dtype=torch.float64, requires_grad=True)
    norms, units = norms_and_units(vectors)
    assert norms.tolist() == [0.0, pytest.approx(3e-12)]
    assert units.tolist() == [[0.0, 0.0], [0.0, pytest.approx(1.0)]]
    assert torch.autograd.grad(norms.sum(), vectors)[0].tolist() == [[0.0, 0.0], [0.0, pytest.approx(1.0)]]


def test_an_empty_memory_reduces_over_nothing(layout: Layout, batch: facezoo.Batch) -> None:
    against = batch.against(facezoo.ClassMemory(CLASSES, DIM).double())
    assert (against.logsumexp(scale=8.0) == -math.inf).all()
    assert (against.logsumexp(lambda c: 8 * c) == -math.inf).all()
    assert (against.softplus(scale=8.0) == 0).all()
    assert against.columns(scale=8.0, then=lambda values: values + 1) == 0
    assert (against.softmax(against.target, scale=8.0) == 0).all()


def test_memory_copies_first_then_applies_the_rule_in_order() -> None:
    memory = facezoo.ClassMemory(4, 2)
    rows = torch.tensor([[2.0, 0.0], [0.0, 3.0], [0.0, 5.0], [1.0, 0.0]])
    memory.write(torch.tensor([1, 1, 3, 1]), rows, step=7, rule=lambda old, new: 0.5 * old + 0.5 * new)
    half = torch.tensor([1.0, 1.0]) / math.sqrt(2)
    expected = half + torch.tensor([1.0, 0.0])
    assert torch.allclose(memory.rows[1], expected / expected.norm())
    assert torch.equal(memory.rows[3], torch.tensor([0.0, 1.0]))
    assert memory.seen.tolist() == [False, True, False, True]
    assert memory.last.tolist() == [-1, 7, -1, 7]


def test_prototypes_depend_on_seed_and_class_alone() -> None:
    few, many = Prototypes(700, 5, seed=1), Prototypes(3000, 5, seed=1)
    assert torch.equal(few.weight, many.weight[:700])
    assert not torch.equal(few.weight, Prototypes(700, 5, seed=2).weight)
    assert len(many.weight.unique(dim=0)) == 3000


def test_terms_reduced_together_equal_terms_alone(scores: facezoo.Scores) -> None:
    rows = scores.rows(scores.vectors(torch.tensor([2, 5])).detach(), torch.tensor([2, 5]))
    together = scores.reduce(
        scores.logsumexp_term(scale=3.0), rows.softplus_term(scale=2.0), scores.max_term()
    )
    alone = scores.logsumexp(scale=3.0), rows.softplus(scale=2.0), scores.max()
    for one, other in zip(together, alone, strict=True):
        assert torch.allclose(one, other, rtol=1e-14)


def test_an_argument_may_be_a_number(scores: facezoo.Scores) -> None:
    given = scores.logsumexp(lambda cos, factor: factor * cos, 3.0)
    assert torch.allclose(given, scores.logsumexp(scale=3.0), rtol=1e-14)


def test_a_forgotten_argument_is_an_error(scores: facezoo.Scores) -> None:
    bias = nn.Parameter(torch.tensor(1.0, dtype=torch.float64))
    with pytest.raises(FacezooError, match="was not passed to it"):
        scores.logsumexp(lambda cos: cos - bias)


def test_a_function_that_is_not_elementwise_is_an_error(scores: facezoo.Scores) -> None:
    with pytest.raises(FacezooError, match="must be elementwise"):
        scores.sum(lambda cos: cos.sum(1))


def test_an_argument_of_no_meaning_is_an_error(scores: facezoo.Scores) -> None:
    with pytest.raises(FacezooError, match="does not fit"):
        scores.logsumexp(scale=torch.ones(CLASSES + 1))


def test_a_function_and_a_scale_are_an_error(scores: facezoo.Scores) -> None:
    with pytest.raises(FacezooError, match="not both"):
        scores.logsumexp(lambda cos: cos, scale=2.0)


def test_different_class_vectors_are_not_reduced_together(
    batch: facezoo.Batch, scores: facezoo.Scores
) -> None:
    memory = batch.against(facezoo.ClassMemory(CLASSES, DIM).double())
    with pytest.raises(FacezooError, match="different class vectors"):
        scores.reduce(scores.max_term(), memory.max_term())


def test_held_values_are_replayed_in_order() -> None:
    held = HeldValues()
    with held.recording():
        hold(torch.tensor(1.0)), hold(torch.tensor(2.0))
    with held.replaying():
        assert [float(hold(torch.tensor(9.0))) for _ in range(2)] == [1.0, 2.0]
        with pytest.raises(RuntimeError, match="another path"):
            hold(torch.tensor(3.0))
    assert float(hold(torch.tensor(4.0))) == 4.0


@pytest.mark.parametrize("convert", [False, True])
def test_products_round_only_their_operands(convert: bool) -> None:
    left, right = torch.randn(40, 30), torch.randn(30, 20)
    out = Matmul(convert).write(left, right, torch.empty(40, 20))
    assert out.dtype == torch.float32
    gap = (out - left @ right).norm() / (left @ right).norm()
    assert (1e-4 < gap < 1e-2) if convert else gap == 0


def test_bf16_falls_back_with_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("facezoo.engine.streamed.products.multiplies_bf16", lambda device: False)
    precision = Precision("bf16")
    with pytest.warns(UserWarning, match="not native"):
        assert not precision.lowers(torch.zeros(1))
    assert precision.name == "float32"


@pytest.mark.skipif(
    not multiplies_bf16(torch.device("cpu")), reason="this processor does not multiply bfloat16"
)
def test_bf16_products_are_near_and_the_setting_is_restored() -> None:
    before = torch.backends.mkldnn.matmul.fp32_precision
    rows, labels = torch.randn(64, 128), torch.randint(0, 2000, (64,))
    values = [
        facezoo.build("cosface", classes=2000, dim=128, matmul_precision=name)(rows, labels).item()
        for name in ("float32", "bf16")
    ]
    assert values[1] == pytest.approx(values[0], rel=1e-2)
    assert torch.backends.mkldnn.matmul.fp32_precision == before


def test_float32_products_are_float32_whoever_computes_them() -> None:
    left, right = torch.randn(600, 512), torch.randn(512, 256)
    exact = left.double() @ right.double()
    with Precision().applied(left) as products:
        found = products.write(left, right, torch.empty(600, 256))
        added = products.add(left, right, found.clone())
    assert (found - exact).norm() < 1e-6 * exact.norm()
    assert (added - 2 * exact).norm() < 2e-6 * exact.norm()


@pytest.mark.parametrize("learned", [True, False], ids=["learned vectors", "frozen vectors"])
def test_a_mapping_gets_its_gradient_even_where_the_vectors_get_none(
    batch: facezoo.Batch, prototypes: Prototypes, learned: bool
) -> None:
    prototypes.weight.requires_grad_(learned)
    share = facezoo.HeadContext(CLASSES, DIM).parameter(0.3).double()
    memory = facezoo.ClassMemory(CLASSES, DIM).double()
    memory.write(torch.arange(CLASSES), torch.randn(CLASSES, DIM, dtype=torch.float64), step=0)
    found = {}
    for name, make in LAYOUTS.items():
        scores = facezoo.Batch(batch.raw, batch.labels, 0, make()).against(prototypes)
        mixed = scores.mapped(lambda mu, rows, part: (1 - part) * mu + part * rows, memory, share)
        (found[name],) = torch.autograd.grad(mixed.logsumexp(scale=8.0).sum(), share.values)
    assert found["dense"].norm() > 0
    assert torch.allclose(found["dense"], found["streamed"], rtol=1e-10)
