"""The distributions that the tests of registry, hooks and command line install."""

from __future__ import annotations

from facezoo.registry.entries import HEADS, HOOKS
from support.distributions import Distribution

_SPEC = """
from pydantic import Field

from facezoo import HeadConfig, HeadSpec


class Config(HeadConfig):
    scale: float = Field(16.0, gt=0, le=128, description="what the logits are multiplied by")
    margin: float = Field(0.2, ge=0, lt=1, description="taken off the target cosine")
    variant: str = "plain"


def make(**changes):
    values = dict(
        name="plain", summary="A head for tests", config=Config, factory="HOME_head:Head",
        api_version=1, presets={"paper": {"margin": 0.5}}, paper="Nobody, 2026", tags=("test",),
    )
    return HeadSpec(**{**values, **changes})


spec = make()
"""

_HEAD = """
from torch import nn


class Head(nn.Module):
    def __init__(self, config, context):
        super().__init__()
        self.config = config

    def loss(self, batch, scores):
        target = self.config.scale * (scores.target - self.config.margin)
        return scores.softmax(target, scale=self.config.scale).mean()
"""


def _head(dist: str, home: str, extra: str = "", **settings: object) -> Distribution:
    modules = {home: _SPEC.replace("HOME", home) + extra, f"{home}_head": _HEAD}
    return Distribution(dist, modules, {HEADS: {"plain": f"{home}:spec"}}, **settings)  # type: ignore[arg-type]


PLAIN = _head("facezoo-plain", "fixture_plain", summary="A plain head")
TWIN = _head("facezoo.Twin", "fixture_twin", version="2.5", summary="The same name again")
FUTURE = _head(
    "facezoo-future", "fixture_future", requires=("facezoo>=9",), extra="raise RuntimeError('imported')"
)

_BROKEN = {
    "absent": "raise ModuleNotFoundError(\"No module named 'of_yore'\")",
    "exits": "raise SystemExit(3)",
    "syntax": "def broken(:",
    "nospec": "spec = 'not a spec'",
    "renamed": "from fixture_base import make\nspec = make(name='other')",
    "protocol": "from fixture_base import make\nspec = make(name='protocol', api_version=99)",
    "loose": (
        "import pydantic\nfrom fixture_base import make\n"
        "class Loose(pydantic.BaseModel):\n    a: int = 1\n"
        "spec = make(name='loose', config=Loose)"
    ),
    "reserved": (
        "from fixture_base import Config, make\nclass Named(Config):\n    preset: int = 1\n"
        "spec = make(name='reserved', config=Named)"
    ),
    "factory": "from fixture_base import make\nspec = make(name='factory', factory='fixture_nowhere:Head')",
    "preset": "from fixture_base import make\nspec = make(name='preset', presets={'p': {'margin': 7}})",
    "attribute": "",
    "nohead": "from fixture_base import make\nspec = make(name='nohead', factory='builtins:max')",
}
BROKEN = Distribution(
    "facezoo-broken",
    {"fixture_base": _SPEC.replace("HOME", "fixture_base"), "fixture_base_head": _HEAD}
    | {f"fixture_{name}": source for name, source in _BROKEN.items()},
    {HEADS: {name: f"fixture_{name}:spec" for name in _BROKEN}},
)

_RECORDER = """
import json, os

from facezoo.hooks import hookimpl


def note(event, **values):
    with open(os.environ["RECORD"], "a") as file:
        file.write(json.dumps({"event": event, **values}) + chr(10))


class Recorder:
    def __init__(self):
        self.steps = 0

    @hookimpl
    def train_start(self, run):
        note("train_start", dir=str(run.dir))
        return f"recording {run.dir.name}"

    @hookimpl
    def step_end(self, step, metrics):
        self.steps += 1
        note("step_end", step=step, keys=sorted(metrics))

    @hookimpl
    def epoch_end(self, run, epoch, metrics):
        note("epoch_end", epoch=epoch, keys=sorted(metrics))

    @hookimpl
    def verification_end(self, step, figures):
        note("verification_end", step=step, accuracy=figures["accuracy"])

    @hookimpl
    def train_end(self, run):
        note("train_end", step=run.step)

    @hookimpl
    def checkpoint_metadata(self, run):
        note("checkpoint_metadata")
        return {"steps": self.steps}
"""
RECORDER = Distribution(
    "facezoo-recorder", {"fixture_recorder": _RECORDER}, {HOOKS: {"recorder": "fixture_recorder:Recorder"}}
)

_RAISER = """
from facezoo.hooks import hookimpl


@hookimpl(tryfirst=True)
def step_end(step):
    raise ValueError(f"at step {step}")


@hookimpl
def epoch_end():
    raise AssertionError("a muted observer was called again")
"""
RAISER = Distribution("facezoo-raiser", {"fixture_raiser": _RAISER}, {HOOKS: {"raiser": "fixture_raiser"}})

_MISFITS = {
    "unimportable": "import of_yore",
    "misspelt": "from facezoo.hooks import hookimpl\n\n@hookimpl\ndef step_ended(step): ...",
    "demanding": "from facezoo.hooks import hookimpl\n\n@hookimpl\ndef step_end(loss): ...",
}
MISFITS = Distribution(
    "facezoo-misfits",
    {f"fixture_{name}": source for name, source in _MISFITS.items()},
    {HOOKS: {name: f"fixture_{name}" for name in _MISFITS}},
)

_RIVALS = """
from facezoo.hooks import hookimpl


class Rival:
    @hookimpl
    def checkpoint_metadata(self):
        return {"not JSON": object()}


class Talker:
    @hookimpl
    def train_start(self):
        return ["not", "a", "line"]
"""
RIVALS = Distribution(
    "facezoo-rivals",
    {"fixture_rivals": _RIVALS},
    {HOOKS: {name: f"fixture_rivals:{name.title()}" for name in ("rival", "talker")}},
)

_FORMER = """
from facezoo.hooks import hookimpl


class Former:
    @hookimpl
    def train_start(self):
        return "here"

    @hookimpl
    def evaluation_protocols(self):
        return {"twice": None}
"""
FORMER = Distribution(
    "facezoo-former", {"fixture_former": _FORMER}, {HOOKS: {"former": "fixture_former:Former"}}
)
