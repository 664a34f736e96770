"""A head that is no torch.nn.Module: it computes the same, and may keep nothing that would be lost."""

from __future__ import annotations

import copy

import pytest
import torch

from facezoo import FacezooError, build
from facezoo.registry.entries import HEADS
from support.distributions import Distribution
from support.fixtures import PLAIN

SOURCE = """
from facezoo import HeadConfig, HeadSpec


class Margin:
    def __init__(self, config, context):
        self.calls = 0

    def loss(self, batch, scores):
        return scores.softmax(16.0 * (scores.target - 0.2), scale=16.0).mean()

    def after_step(self, batch):
        self.calls += 1

    def report(self, images):
        return {"images": float(images.sum())}


class Keeping(Margin):
    def __init__(self, config, context):
        self.memory = context.memory()


class Lossless:
    def __init__(self, config, context):
        pass


def record(name):
    factory = f"fixture_objects:{name}"
    return HeadSpec(name=name.lower(), summary="", config=HeadConfig, factory=factory, api_version=1)


margin, keeping, lossless = map(record, ("Margin", "Keeping", "Lossless"))
"""
OBJECTS = Distribution(
    "facezoo-objects",
    {"fixture_objects": SOURCE},
    {HEADS: {name: f"fixture_objects:{name}" for name in ("margin", "keeping", "lossless")}},
)


@pytest.fixture(autouse=True)
def there(with_installed):
    with_installed(OBJECTS, PLAIN)


def test_an_object_computes_what_a_module_does():
    found, expected = build("margin", classes=7, dim=4), build("plain", classes=7, dim=4)
    embeddings, labels = torch.randn(6, 4), torch.arange(6)
    assert torch.equal(found(embeddings, labels), expected(embeddings, labels))
    assert found.state_dict().keys() == expected.state_dict().keys()
    found.after_step()
    assert found.head.calls == 1
    assert found.report(torch.full((7,), 3)) == {"images": 21.0}
    assert found.threshold is None


def test_its_loss_is_copied():
    loss = build("margin", classes=7, dim=4)
    again = copy.deepcopy(loss)
    assert again.head.calls == 0
    assert again.head.plain is not loss.head.plain


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "keeping",
            "makes a Keeping that keeps 'memory', which is neither trained nor saved unless it is a ",
        ),
        ("lossless", "makes a Lossless without a method `loss`"),
    ],
)
def test_what_would_be_lost_and_what_has_no_loss_is_refused(name: str, said: str):
    with pytest.raises(FacezooError, match=f"head '{name}' of facezoo-objects 1.0 is broken: ") as caught:
        build(name, classes=7, dim=4)
    assert said in caught.value.message
