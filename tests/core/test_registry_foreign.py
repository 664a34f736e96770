"""Foreign code, in every place where facezoo calls it: whatever it raises is one error with its owner."""

from __future__ import annotations

import pickle  # noqa: TID251 (people's own habit: the loss as an object)
import sys
from collections.abc import Callable, Iterator
from types import ModuleType

import pytest
import torch
from pydantic import field_validator
from torch import Tensor, nn

from facezoo import FacezooError, HeadConfig, HeadContext, HeadLoss, HeadSpec
from facezoo.backbones import LoadedBackbone, embeddings_of
from facezoo.hooks import Observers, hookimpl
from facezoo.loss import build_loss
from facezoo.registry import LoadedHead, PluginEntry
from facezoo.registry.heads import loaded_head
from facezoo.training.interrupt import Interrupted

ENTRY = PluginEntry("evil", "facezoo-evil", "6.6", "", value="fixture_evil:spec")
OWNER = "'evil' of facezoo-evil 6.6"
CONTEXT = HeadContext(5, 4)
EMBEDDINGS, LABELS = torch.ones(3, 4), torch.tensor([0, 1, 2])


class OwnError(BaseException):
    """An error of the plug-in's own, that is no Exception."""


class DumbError(Exception):
    """An error that cannot be told."""

    def __str__(self) -> str:
        raise OwnError

    __repr__ = __str__


RAISED = [
    SystemExit(3),
    OwnError("x"),
    GeneratorExit(),
    StopIteration(),
    DumbError(),
    ValueError("\ud800\x1b[2J"),
]
"""What a plug-in may raise; the second line of a message, and what a terminal would obey, are never told."""


@pytest.fixture(params=RAISED, ids=lambda error: type(error).__name__)
def error(request: pytest.FixtureRequest) -> BaseException:
    return request.param


@pytest.fixture
def evil(monkeypatch: pytest.MonkeyPatch) -> Callable[..., LoadedHead]:
    """A loaded head whose record, and whose module, have these values."""

    def make(head: type[nn.Module] = nn.Module, **fields: object) -> LoadedHead:
        values = {"name": "evil", "summary": "", "config": HeadConfig, "api_version": 1}
        module = ModuleType("fixture_evil")
        module.Head, module.spec = head, HeadSpec(**values | {"factory": "fixture_evil:Head"} | fields)
        monkeypatch.setitem(sys.modules, "fixture_evil", module)
        return loaded_head(ENTRY)

    return make


def refused(call: Callable[[], object], *words: str) -> FacezooError:
    with pytest.raises(FacezooError) as caught:
        call()
    message = str(caught.value)
    assert all(word in message for word in (OWNER, *words)), message
    assert "\x1b" not in message
    message.encode("utf-8")
    return caught.value


def raising(error: BaseException) -> Callable[..., object]:
    def call(*_: object, **__: object) -> object:
        raise error

    return call


def test_an_import(error, monkeypatch):
    class Raising(ModuleType):
        __getattr__ = raising(error)

    monkeypatch.setitem(sys.modules, "fixture_evil", Raising("fixture_evil"))
    assert refused(lambda: loaded_head(ENTRY), type(error).__name__).__cause__ is error


def test_a_record_that_only_looks_like_one(error, monkeypatch):
    class Evil(HeadSpec):
        revision = property(raising(error))

    class Unlike:
        __class__ = property(raising(error))

    fields = {"name": "evil", "summary": "", "config": HeadConfig, "factory": "m:C", "api_version": 1}
    for spec in (Evil.__new__(Evil), Unlike()):
        for key, value in fields.items():
            spec.__dict__[key] = value
        module = ModuleType("fixture_evil")
        module.spec = spec
        monkeypatch.setitem(sys.modules, "fixture_evil", module)
        refused(lambda: loaded_head(ENTRY))


def test_validators_factories_and_schemas(error, evil):
    class Config(HeadConfig):
        margin: float = 0.1

        @field_validator("margin")
        @classmethod
        def check(cls, value: float) -> float:
            if value > 0.1:
                raise error
            return value

        __get_pydantic_json_schema__ = classmethod(raising(error))

    head = evil(raising(error), config=Config)
    refused(lambda: head.configure({"margin": 0.5}))
    refused(head.schema)
    refused(lambda: head.make(head.configure({}), CONTEXT), "cannot be built")


class Head(nn.Module):
    """A head that works; the tests break one part of it at a time."""

    def __init__(self, config: HeadConfig, context: HeadContext) -> None:
        super().__init__()
        self.free = nn.Parameter(torch.ones(()))

    def loss(self, batch: object, scores: object) -> Tensor:
        return scores.softmax(scores.target).mean()


def built(evil: Callable[..., LoadedHead], **parts: object) -> HeadLoss:
    head = evil(type("Broken", (Head,), parts))
    return build_loss(head, head.configure({}), CONTEXT)


CALLS = {
    "loss": lambda loss: loss(EMBEDDINGS, LABELS),
    "before_loss": lambda loss: loss(EMBEDDINGS, LABELS),
    "after_step": lambda loss: (loss(EMBEDDINGS, LABELS), loss.after_step()),
    "report": lambda loss: loss.report(torch.ones(5, dtype=torch.int64)),
    "threshold": lambda loss: loss.threshold,
}


@pytest.mark.parametrize("name", CALLS)
def test_a_heads_methods_in_a_loop_of_ones_own(name, error, evil):
    loss = built(evil, **{name: raising(error)})
    found = refused(lambda: CALLS[name](loss), f"fails in {name}: {type(error).__name__}")
    assert found.__cause__ is error  # whoever calls the library sees where


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("stop", [KeyboardInterrupt(), Interrupted(15)])
def test_an_interruption_is_nobodys_fault(name, stop, evil):
    loss = built(evil, **{name: raising(stop)})
    with pytest.raises(type(stop)):
        CALLS[name](loss)


@pytest.mark.parametrize("stop", [KeyboardInterrupt(), Interrupted(15)])
def test_an_interruption_mutes_no_observer(stop):
    found = Observers()
    found.add(ENTRY, type("Slow", (), {"train_end": hookimpl(lambda self: raising(stop)())}))
    with pytest.raises(type(stop)):
        found.train_end(run=None)


def test_a_shortage_of_memory_stays_what_loops_wait_for(evil):
    with pytest.raises(torch.OutOfMemoryError):
        built(evil, loss=raising(torch.OutOfMemoryError("of 80 GiB")))(EMBEDDINGS, LABELS)


@pytest.mark.parametrize(
    ("returned", "words"),
    [
        (torch.ones(3), "returned a tensor [3] of float32, not one number"),
        (torch.ones((), dtype=torch.int64), "returned a tensor [] of int64"),
        (None, "returned None"),
        (0.5, "returned a float (0.5)"),
        ({}, "returned no term"),
        ({"margin": torch.ones(2)}, "returned, as its term 'margin', a tensor [2] of float32"),
        ({1: torch.ones(())}, "names a term 1, not a text"),
    ],
)
def test_what_a_loss_returns_is_told_where_it_is_no_loss(returned, words, evil):
    loss = built(evil, loss=lambda self, batch, scores: returned)
    assert ".mean()" in refused(lambda: loss(EMBEDDINGS, LABELS), words).hint


@pytest.mark.parametrize("returned", ["0.x", torch.ones(3), [0.1], object()])
def test_a_threshold_is_a_number_or_none(returned, evil):
    loss = built(evil, threshold=lambda self: returned)
    refused(lambda: loss.threshold, "threshold() must give a number or None, not a ")


@pytest.mark.parametrize("figures", [5, None, {"a": "b"}, {"a": torch.ones(2)}, {"a": 10**400}, [("a", 1)]])
def test_figures_are_numbers_by_name(figures, evil):
    refused(lambda: CALLS["report"](built(evil, report=lambda self, images: figures)))


@pytest.mark.parametrize("number", ["2", 0, -1, True, 2.0, None])
def test_subcentres_are_a_number_from_1_on(number, evil):
    refused(lambda: built(evil, subcentres=number), "subcentres")


def test_what_is_to_decay_is_named_by_a_set(evil):
    refused(lambda: built(evil, decay=5).param_groups(0.1, 0.0), "fails in decay: TypeError")


def test_a_loss_goes_through_pickle(evil, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "Head", Head)
    head = evil(Head)
    loss = build_loss(head, head.configure({}), CONTEXT)
    again = pickle.loads(pickle.dumps(loss))
    assert torch.equal(again(EMBEDDINGS, LABELS), loss(EMBEDDINGS, LABELS))
    assert again.state_dict().keys() == loss.state_dict().keys()


def test_backbones(error):
    refused(
        lambda: LoadedBackbone(ENTRY, raising(error)).build(8, 16), "backbone", "fails for dim=8, size=16"
    )
    made = type("Net", (nn.Linear,), {"forward": raising(error)})(3, 4)
    network = LoadedBackbone(ENTRY, lambda dim, size: made).build(4, 16)
    refused(lambda: embeddings_of(network, torch.ones(2, 3)), "fails on images [2, 3]")


@pytest.mark.parametrize("returned", [torch.ones(4), torch.ones(1, 4), (torch.ones(2, 4), None)])
def test_what_a_backbone_returns_is_told_where_it_is_no_embeddings(returned):
    made = type("Net", (nn.Module,), {"forward": lambda self, images: returned})()
    network = LoadedBackbone(ENTRY, lambda dim, size: made).build(4, 16)
    refused(lambda: embeddings_of(network, torch.ones(2, 3)), "returned a t", "for images [2, 3]")


EVENTS: dict[str, Callable[[Observers], object]] = {
    "train_start": lambda found: found.train_start(run=None),
    "step_end": lambda found: found.step_end(run=None, step=1, metrics={}),
    "epoch_end": lambda found: found.epoch_end(run=None, epoch=1, metrics={}),
    "verification_end": lambda found: found.verification_end(run=None, step=1, figures={}),
    "train_end": lambda found: found.train_end(run=None),
    "checkpoint_metadata": lambda found: found.checkpoint_metadata(run=None),
}


@pytest.fixture
def muted() -> Iterator[Callable[[type, Callable[[Observers], object]], dict[str, str]]]:
    def of(observer: type, call: Callable[[Observers], object]) -> dict[str, str]:
        found = Observers(warn=False)
        found.add(ENTRY, observer)
        call(found)
        (record,) = found.muted
        "".join(record.values()).encode("utf-8")
        return record

    return of


@pytest.mark.parametrize("event", EVENTS)
def test_an_observer_that_raises_anything_is_muted(event, error, muted):
    observer = type("Evil", (), {event: hookimpl(lambda self: raising(error)())})
    record = muted(observer, EVENTS[event])
    assert (record["event"], record["error"].startswith(type(error).__name__)) == (event, True)


def test_so_is_one_that_cannot_be_made(error, muted):
    assert muted(type("Evil", (), {"__init__": raising(error)}), lambda found: None)["event"] == "load"


@pytest.mark.parametrize("answer", [{"a": "\ud800"}, {"a": float("nan")}, {"a": object()}, 5])
def test_metadata_that_no_file_can_hold_mutes_its_author(answer, muted):
    observer = type("Evil", (), {"checkpoint_metadata": hookimpl(lambda self: answer)})
    assert muted(observer, EVENTS["checkpoint_metadata"])["event"] == "checkpoint_metadata"


def test_what_an_observer_says_is_one_printable_line():
    found = Observers()
    found.add(ENTRY, type("Says", (), {"train_start": hookimpl(lambda self: "a\x1b[2J\nb")}))
    assert found.train_start(run=None) == [r"a\x1b[2J\nb"]
