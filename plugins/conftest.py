"""What the tests of the plugins share: a small problem in float64 and the comparison with a reference.

Nothing of facezoo is used here but `facezoo.build`, which makes the loss under test.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import safetensors.torch
import torch
from torch import Tensor, nn

import facezoo

BATCH, CLASSES, DIM = 24, 37, 11
BLOCK = 16 * BATCH  # cosines of a block: three blocks, the last one smaller
Reference = Callable[..., Tensor]


@pytest.fixture(params=["dense", "streamed"])
def layout(request: pytest.FixtureRequest) -> str:
    """Each layout in turn."""
    return str(request.param)


def make_loss(
    head: str, layout: str = "dense", classes: int = CLASSES, dim: int = DIM, **settings: Any
) -> Any:
    """The loss of a head in float64, with prototypes off the sphere: a missing normalisation shows."""
    loss = facezoo.build(head, classes=classes, dim=dim, layout=layout, seed=3, **settings).double()
    if layout == "streamed":
        loss.layout.block_elements = BLOCK
    with torch.no_grad():
        weight = loss.prototypes.weight
        weight.mul_(torch.linspace(0.5, 2, classes).view(-1, *[1] * (weight.ndim - 1)))
    return loss


@pytest.fixture
def make(layout: str) -> Callable[..., Any]:
    """The loss in float64, in each layout in turn, as in `make("cosface", margin=0.2)`."""
    return lambda head, **settings: make_loss(head, layout, **settings)


@pytest.fixture
def make_dense() -> Callable[..., Any]:
    """The loss in float64, in the dense layout."""
    return make_loss


@pytest.fixture
def make_tiny() -> Callable[..., Any]:
    """The dense loss of nine classes in five dimensions, small enough for finite differences."""
    return lambda head, **settings: make_loss(head, classes=9, dim=5, **settings)


def draw(loss: Any, seed: int = 0, largest: float = 8.0, rows: int = BATCH) -> tuple[Tensor, Tensor]:
    """Embeddings [B, D], opposite to near their class vector, of many lengths; labels [B], repeated."""
    source = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, loss.context.classes // 2, (rows,), generator=source)
    weight = loss.prototypes.weight.detach()
    own = nn.functional.normalize((weight if weight.ndim == 2 else weight[:, 0])[labels], dim=-1)
    noise = torch.randn(rows, loss.context.dim, generator=source, dtype=torch.float64)
    share = torch.linspace(-8, 8, rows, dtype=torch.float64)[:, None]
    mixed = share * share.abs() * own + noise
    lengths = torch.linspace(0.5, largest, rows, dtype=torch.float64)
    shuffled = lengths[torch.randperm(rows, generator=source)]
    embeddings = shuffled[:, None] * nn.functional.normalize(mixed, dim=1)
    return embeddings.requires_grad_(), labels


@pytest.fixture
def batch() -> Callable[..., tuple[Tensor, Tensor]]:
    """Embeddings and labels for a loss, see `draw`."""
    return draw


def compare(
    loss: Any, reference: Reference, data: tuple[Tensor, Tensor], scalars: Sequence[Tensor] = ()
) -> None:
    """Value and every gradient against reference(embeddings, weight, labels, *scalars), to 1e-10 relative."""
    embeddings, labels = data
    leaves = [embeddings, loss.prototypes.weight, *scalars]
    value = loss(embeddings, labels)
    found = [value, *torch.autograd.grad(value, leaves)]
    copies = [leaf.detach().clone().requires_grad_() for leaf in leaves]
    expected_value = reference(copies[0], copies[1], labels, *copies[2:])
    expected = [expected_value, *torch.autograd.grad(expected_value, copies)]
    names = ["value", "embeddings", "weight", *(f"scalar {place}" for place in range(len(scalars)))]
    for name, got, want in zip(names, found, expected, strict=True):
        assert want.norm() > 0, f"{name}: the reference is zero, so that nothing is compared"
        error = ((got - want).norm() / want.norm()).item()
        assert error <= 1e-10, f"{name}: relative error {error:.1e}"


@pytest.fixture
def agrees() -> Callable[..., None]:
    """The comparison of a loss with a reference, see `compare`."""
    return compare


@pytest.fixture
def stays_finite() -> Callable[[Any], None]:
    """Finite value and gradients with rows at cos = 1, at cos = -1 and at zero; no gradient at zero."""

    def check(loss: Any) -> None:
        labels = torch.tensor([0, 0, 1, 1, 2, 3])
        signs = torch.tensor([1.0, -1.0, 1.0, -1.0, 0.0, 0.0], dtype=torch.float64)
        embeddings = (signs[:, None] * loss.prototypes.weight.detach()[labels]).requires_grad_()
        value = loss(embeddings, labels)
        grads = torch.autograd.grad(value, [embeddings, *loss.parameters()])
        assert value.isfinite()
        assert all(grad.isfinite().all() and grad.abs().max() < 1e6 for grad in grads)
        assert grads[0][4:].eq(0).all()

    return check


def require_resumed(loss: Any, again: Any, train: Callable[..., None], parts: set[str]) -> None:
    """That `again`, loaded from what `loss` saves in the middle of a batch, goes on bit for bit.

    `train(loss, batch, steps)` makes some training steps; `parts` are names that the state must have.
    """
    train(loss, draw)
    loss(*draw(loss, seed=7))  # not taken in yet: saving does it
    again.load_state_dict(safetensors.torch.load(safetensors.torch.save(loss.state_dict())))
    train(loss, draw, range(20, 23))
    train(again, draw, range(20, 23))
    data = draw(loss, seed=9)
    assert again(*data).item() == loss(*data).item()
    expected, found = loss.state_dict(), again.state_dict()
    assert parts <= expected.keys()
    assert all(torch.equal(found[name], tensor) for name, tensor in expected.items())


@pytest.fixture
def resumes() -> Callable[..., None]:
    """The comparison of a resumed loss with an unbroken one, see `require_resumed`."""
    return require_resumed


def cosines_of(embeddings: Tensor, weight: Tensor) -> Tensor:
    """Cosines [B, C], the dense way."""
    return (embeddings / embeddings.norm(dim=1, keepdim=True)) @ (weight / weight.norm(dim=1, keepdim=True)).T


@pytest.fixture
def cosines() -> Callable[[Tensor, Tensor], Tensor]:
    """Cosines [B, C] from embeddings and prototypes, see `cosines_of`."""
    return cosines_of
