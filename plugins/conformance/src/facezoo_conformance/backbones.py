"""What a backbone must pass."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import torch
from safetensors.torch import load, save
from torch import Tensor, nn

from facezoo.backbones import LoadedBackbone, embeddings_of, load_backbone
from facezoo.errors import FacezooError
from facezoo.registry import PluginEntry
from facezoo_conformance.judging import Check, settled_generator
from facezoo_conformance.packaging import enter_requirement
from facezoo_conformance.rules import Rules, require

SIZES: Final = (32, 64, 112, 224)
"""Sides of the images that a backbone is tried with, in pixels."""
ODD: Final = 31
"""A side that many networks cannot serve, and must say so."""
DIMS: Final = (24, 9)
BATCH: Final = 6


@dataclass(frozen=True)
class Backbone:
    """A backbone that was found: `factory` makes networks."""

    entry: PluginEntry
    factory: LoadedBackbone

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """The smallest two of `SIZES` that it serves, and `ODD` where it serves that."""
        refusals: dict[int, str] = {}
        for size in (*SIZES, ODD):
            try:
                self.factory.build(DIMS[0], size)
            except FacezooError as error:
                if error.__cause__ is not None:  # its factory fails, which is no refusal
                    raise
                refusals[size] = error.message
        served = [size for size in SIZES if size not in refusals]
        tried = ", ".join(map(str, SIZES))
        require(bool(served), f"none of the sizes {tried} is served: {refusals.get(SIZES[-1])}")
        return (*served[:2], *(() if ODD in refusals else (ODD,)))

    def network(self, dim: int = DIMS[0], seed: int = 0) -> nn.Module:
        """A new network for the smallest size that is served."""
        with settled_generator(seed):
            return self.factory.build(dim, self.sizes[0])

    def images(self) -> Tensor:
        """Images float32 [B, 3, size, size] in [-1, 1], those of `network`."""
        return draw(self.sizes[0])


def draw(size: int) -> Tensor:
    """Random images float32 [B, 3, size, size] in [-1, 1]: the same ones at every call, in a new tensor."""
    generator = torch.Generator().manual_seed(1)
    return 2 * torch.rand(BATCH, 3, size, size, generator=generator) - 1


RULES: Final = Rules[Backbone]()
enter_requirement(RULES)


def checks(name: str) -> Iterator[Check[Backbone]]:
    """Every check of an installed backbone, `name` or `dist:name`, in order; FacezooError where it is not
    installed or cannot be imported.
    """
    loaded = load_backbone(name)
    subject = Backbone(loaded.entry, loaded)
    return (Check(subject, rule) for rule in IN_ORDER)


def _state(network: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


@RULES.check("network")
def factory(backbone: Backbone) -> None:
    """The factory makes a network for usual sizes of images, and refuses others with a FacezooError."""
    require(len(backbone.sizes) > 0, "no size is served")


@RULES.check("network")
def embedding_size(backbone: Backbone) -> None:
    """Embeddings are float32 [B, dim], whatever dim is asked for, for every size that is served."""
    for dim, size in [(DIMS[0], size) for size in backbone.sizes] + [(DIMS[1], backbone.sizes[0])]:
        network = backbone.factory.build(dim, size)
        for mode in (network.train(), network.eval()):
            with torch.no_grad():
                found = embeddings_of(mode, draw(size))
            where = f"dim={dim}, size={size}"
            require(
                found.shape == (BATCH, dim), f"{where}: embeddings {list(found.shape)}, not {[BATCH, dim]}"
            )
            require(found.dtype == torch.float32, f"{where}: embeddings are {found.dtype}, not float32")


@RULES.check("network")
def finite(backbone: Backbone) -> None:
    """Embeddings are finite, in training and evaluation, also where all images are black, white or grey."""
    for shade in (-1.0, 1.0, 0.0):
        network = backbone.network()
        for training in (True, False):
            found = embeddings_of(network.train(training), torch.full_like(backbone.images(), shade))
            word = "training" if training else "evaluation"
            require(bool(found.isfinite().all()), f"images of {shade:g} alone: not finite in {word}")


@RULES.check("network")
def gradients(backbone: Backbone) -> None:
    """Every parameter gets a finite gradient, and not all of them are zero."""
    network, images = backbone.network().train(), backbone.images()
    found = embeddings_of(network, images)
    require(found.requires_grad, "embeddings have no gradient: something is detached, or under no_grad")
    generator = torch.Generator().manual_seed(2)
    (found * torch.randn(found.shape, generator=generator)).sum().backward()
    learned = {name: each for name, each in network.named_parameters() if each.requires_grad}
    require(bool(learned), "the network has no parameter that learns")
    for name, parameter in learned.items():
        require(parameter.grad is not None, f"{name} gets no gradient")
        assert parameter.grad is not None
        require(bool(parameter.grad.isfinite().all()), f"the gradient of {name} is not finite")
    require(any(each.grad is not None and each.grad.any() for each in learned.values()), "all are zero")


@RULES.check("network")
def tells_apart(backbone: Backbone) -> None:
    """Different images have different embeddings."""
    with torch.no_grad():
        found = embeddings_of(backbone.network().eval(), backbone.images())
    gap = float((found - found[:1])[1:].norm(dim=1).min())
    require(gap > 1e-6 * float(found.norm(dim=1).max()), "two random images have the same embedding")


@RULES.check("network")
def autocast(backbone: Backbone) -> None:
    """Under autocast to bfloat16 it trains: embeddings and gradients are finite."""
    network = backbone.network().train()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = embeddings_of(network, backbone.images())
    require(bool(found.isfinite().all()), "embeddings are not finite")
    if found.requires_grad:  # of gradients that are not there another check tells
        found.float().square().sum().backward()
    grads = [each.grad for each in network.parameters() if each.grad is not None]
    require(all(bool(grad.isfinite().all()) for grad in grads), "gradients are not finite")


@RULES.check("evaluation")
@torch.no_grad()
def alone(backbone: Backbone) -> None:
    """In evaluation mode an image's embedding does not depend on the images beside it."""
    network = backbone.network().eval()
    together = embeddings_of(network, backbone.images())
    for image in range(2):
        gap = (embeddings_of(network, backbone.images()[image : image + 1])[0] - together[image]).norm()
        message = f"alone and in a batch, image {image} differs by {float(gap):.1e}"
        require(bool(gap <= 1e-4 * together[image].norm()), f"{message}: is a layer in training mode?")


@RULES.check("evaluation")
@torch.no_grad()
def repeats(backbone: Backbone) -> None:
    """In evaluation mode the same images have the same embeddings, bit for bit."""
    network = backbone.network().eval()
    same = torch.equal(*(embeddings_of(network, backbone.images()) for _ in range(2)))
    require(same, "a second pass gives other embeddings: does it draw something, as dropout does?")


@RULES.check("evaluation")
@torch.no_grad()
def read_only(backbone: Backbone) -> None:
    """Evaluation mode changes no state."""
    network = backbone.network().eval()
    before = _state(network)
    embeddings_of(network, backbone.images())
    moved = [name for name, tensor in network.state_dict().items() if not torch.equal(tensor, before[name])]
    require(not moved, f"changed in evaluation mode: {', '.join(moved)}")


@RULES.check("state")
@torch.no_grad()
def inputs_kept(backbone: Backbone) -> None:
    """The images are left as they were."""
    network = backbone.network()
    for training in (True, False):
        images = backbone.images()
        embeddings_of(network.train(training), images)
        require(torch.equal(images, backbone.images()), "the images are changed in place")


@RULES.check("state")
@torch.no_grad()
def saving(backbone: Backbone) -> None:
    """The state goes through safetensors, and a new network that is given it embeds the same bit for bit."""
    network = backbone.network().train()
    embeddings_of(network, backbone.images())
    state = network.state_dict()
    others = [name for name, value in state.items() if not isinstance(value, Tensor)]
    require(not others, f"not tensors: {', '.join(others)}")
    again = backbone.network(seed=1)
    again.load_state_dict(load(save(state)))
    passes = []
    for each in (again, network):
        with settled_generator(0):  # of what is drawn in evaluation mode another check tells
            passes.append(embeddings_of(each.eval(), backbone.images()))
    require(torch.equal(*passes), "it embeds otherwise: is all that it needs in its state?")


@RULES.check("state")
@torch.no_grad()
def deterministic(backbone: Backbone) -> None:
    """What is drawn, weights and in training, comes from torch's global generator."""
    passes = []
    for _ in range(2):
        network = backbone.network().train()
        with settled_generator(3):
            passes.append((_state(network), embeddings_of(network, backbone.images())))
    (one, first), (two, second) = passes
    other = [name for name, tensor in one.items() if not torch.equal(tensor, two[name])]
    require(not other, f"two networks of one seed differ: {', '.join(other)}")
    require(torch.equal(first, second), "two training passes of one seed differ")


IN_ORDER: Final = tuple(RULES.values())
"""Every check there is."""
