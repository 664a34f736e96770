"""`facezoo doctor`: everything is loaded, and each thing that is broken has its reason."""

from __future__ import annotations

import json
import re
from importlib.metadata import distributions
from pathlib import Path

import pytest

from facezoo.registry import installed_plugins
from facezoo.registry.entries import BACKBONES, COMMANDS, HEADS, KINDS
from facezoo_cli import doctor
from support.distributions import Distribution, facezoo
from support.fixtures import BROKEN, FUTURE, MISFITS, PLAIN, RECORDER

LARGE = "iresnet34,iresnet50,iresnet100"
DISABLED = f"exits,plian,{LARGE}"


@pytest.fixture(scope="module")
def report(installed) -> tuple[int, str]:
    sites = tuple(map(installed, (PLAIN, FUTURE, BROKEN, MISFITS, RECORDER)))
    done = facezoo("doctor", sites=sites, FACEZOO_DISABLE=DISABLED)
    assert done.stderr == ""
    return done.returncode, done.stdout


def line(report: tuple[int, str], subject: str) -> str:
    return next(line for line in report[1].splitlines() if re.search(rf"^  \w+ +{re.escape(subject)}", line))


def test_it_fails_where_something_is_broken_and_counts_it(report):
    assert report[0] == 1
    broken = re.findall(r"^  (?:broken|incompatible|duplicate) ", report[1], re.MULTILINE)
    assert re.search(rf"^{len(broken)} of \d+ need mending\.$", report[1], re.MULTILINE)


@pytest.mark.parametrize(
    ("subject", "status", "reason"),
    [
        ("plain (facezoo-plain 1.0)", "ok", ""),
        ("plain (facezoo-future 1.0)", "incompatible", "requires facezoo >=9"),
        ("absent", "broken", "No module named 'of_yore'"),
        ("exits", "disabled", f"FACEZOO_DISABLE={DISABLED}"),
        ("syntax", "broken", "SyntaxError"),
        ("factory", "broken", "cannot import fixture_nowhere:Head"),
        ("preset", "broken", "its preset 'p' is not valid: head.margin: should be less than 1; it is 7"),
        ("small", "ok", ""),
        ("recorder", "ok", ""),
        ("misspelt", "broken", "there is no event 'step_ended'"),
        ("unimportable", "broken", "No module named 'of_yore'"),
        ("torch", "ok", ""),
        ("Python", "ok", ""),
        ("processor", "ok", "bf16"),
        ("folder (facezoo 0.1.0)", "ok", "a folder of identity folders"),
        ("FACEZOO_DISABLE", "broken", "'plian' is not installed; did you mean 'plain'?"),
        ("factory", "broken", ": cannot import fixture_nowhere:Head: ModuleNotFoundError"),
    ],
)
def test_each_thing_has_a_line(report, subject, status, reason):
    found = line(report, subject)
    assert found.split()[0] == status or not status
    assert reason in found


def test_disabling_what_is_broken_makes_it_sound(installed):
    done = facezoo(
        "doctor", sites=(installed(FUTURE), installed(PLAIN)), FACEZOO_DISABLE=f"facezoo-future:plain,{LARGE}"
    )
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "Everything is sound.")


EVIL = Distribution(
    "facezoo-evil",
    {
        "fixture_evil": """
import click
from pydantic import Field
from torch import nn

from facezoo import FacezooError, HeadConfig, HeadSpec
from facezoo.hooks import hookimpl


class Config(HeadConfig):
    kind: str = Field("forgets", description="what goes wrong")


class Head(nn.Module):
    def __init__(self, config, context):
        super().__init__()
        self.kind = config.kind

    def loss(self, batch, scores):
        value = scores.softmax(scores.target)
        return {"forgets": value, "detaches": value.mean().detach()}.get(self.kind, value.mean())

    def report(self, images):
        raise SystemExit(1)


forgets, detaches, reports = (
    HeadSpec(
        name=kind, summary="s", factory="fixture_evil:Head", api_version=1,
        config=type(kind, (Config,), {"__annotations__": {"kind": str}, "kind": kind}),
    )
    for kind in ("forgets", "detaches", "reports")
)


def narrow(dim, size):
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * size * size, dim + 1))


def images(dim, size):
    return nn.Conv2d(3, 3, 1)


def picky(dim, size):
    if size != 112:
        raise FacezooError(f"{size} is not 112")
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, dim))


def never(dim, size):
    raise FacezooError("not today")


class Observer:
    def __init__(self):
        raise KeyError("no such place")


@click.command()
def feed():
    '''Feed it.'''


class Helpless(click.Command):
    def get_help(self, ctx):
        raise KeyError("no help")


helpless = Helpless("helpless")
""",
    },
    {
        "facezoo.heads": {name: f"fixture_evil:{name}" for name in ("forgets", "detaches", "reports")},
        "facezoo.backbones": {name: f"fixture_evil:{name}" for name in ("narrow", "images", "picky", "never")}
        | {"small": "fixture_evil:never_there"},
        "facezoo.hooks": {"observer": "fixture_evil:Observer"},
        "facezoo.commands": {
            "zoo.feed": "fixture_evil:feed",
            "train.feed": "fixture_evil:feed",
            "helpless": "fixture_evil:helpless",
            "evil": "fixture_evil:Head",
        },
        "facezoo.data": {"heap": "fixture_evil:never_there"},
        "facezoo.benchmarks": {"heap": "fixture_evil:never_there"},
    },
)


@pytest.fixture(scope="module")
def calls(tmp_path_factory) -> tuple[int, str]:
    """The report where things are loaded without complaint and fail when they are called."""
    site = EVIL.lay_out(tmp_path_factory.mktemp("evil"))
    installed_here = [entry for group in (HEADS, BACKBONES) for entry in installed_plugins(group)]
    off = ",".join(entry.name for entry in installed_here if entry.qualified != "facezoo:small")
    done = facezoo("doctor", sites=(site,), FACEZOO_DISABLE=off, PYTHONWARNINGS="error")
    assert done.stderr == ""
    return done.returncode, done.stdout


@pytest.mark.parametrize(
    ("subject", "status", "reason"),
    [
        ("forgets", "broken", "returned a tensor [6] of float32, not one number"),
        ("detaches", "broken", "RuntimeError: element 0 of tensors does not require grad"),
        ("reports", "broken", "fails in report: SystemExit: 1"),
        ("narrow", "broken", "dimensions where 128 were asked for"),
        ("images", "broken", "returned a tensor [2, 3, "),
        ("picky", "ok", "tried with 112 x 112 pixels"),
        ("never", "ok", "not tried: not today"),
        ("small (facezoo 0", "ok", ""),
        ("small (facezoo-evil", "shadowed", "say facezoo-evil:small; and it is broken: cannot be imported"),
        ("observer", "broken", "KeyError: 'no such place'"),
        ("doctor (facezoo 0", "ok", ""),
        ("zoo.feed", "ok", ""),
        ("train.feed", "broken", "stands below train, which is a command without others below it"),
        ("helpless", "broken", "KeyError: 'no help'"),
        ("evil", "broken", "names a type (fixture_evil:Head), not a click.Command"),
        ("heap", "broken", "cannot be imported"),
    ],
)
def test_everything_is_called(calls, subject, status, reason):
    found = line(calls, subject)
    assert found.split()[0] == status
    assert reason in found


def test_json_has_every_line_with_its_section(invoke, monkeypatch):
    groups = KINDS.keys() - {COMMANDS}  # doctor is one
    names = {entry.name for group in groups for entry in installed_plugins(group)}
    monkeypatch.setenv("FACEZOO_DISABLE", ",".join(names))
    result = invoke("doctor", "--json")
    found = json.loads(result.stdout)
    assert found["sound"] == (result.exit_code == 0)
    assert {"Environment", "Hardware", "Heads", "Backbones", "Commands"} <= {
        line["section"] for line in found["findings"]
    }
    heads = [line for line in found["findings"] if line["section"] == "Heads"]
    assert [line["status"] for line in heads] == ["disabled"] * len(installed_plugins(HEADS))
    assert all(line.keys() == {"section", "status", "subject", "detail"} for line in found["findings"])


@pytest.mark.parametrize("points", [b"[stranger]\n\xff = a:b\n", b"[stranger]\nno equals sign\n"])
def test_metadata_that_python_cannot_read_is_named_since_torch_reads_all(points, tmp_path, monkeypatch):
    for name, text in (("sound", b"[a]\nb = c:d\n"), ("stranger", points)):
        folder = tmp_path / f"{name}-1.0.dist-info"
        folder.mkdir()
        (folder / "entry_points.txt").write_bytes(text)
    monkeypatch.setattr(doctor, "distributions", lambda: distributions(path=[str(tmp_path)]))
    (found,) = doctor.unreadable()
    assert (found.status, Path(found.subject).name) == ("broken", "stranger-1.0.dist-info")
    assert "its metadata cannot be read" in found.detail
