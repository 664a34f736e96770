"""Whose a name is: facezoo's own stay its own, and `dist:name` reaches everything that is sound."""

from __future__ import annotations

import pytest
import torch
from click.testing import CliRunner
from torch import nn

import facezoo
from facezoo import FacezooError
from facezoo.backbones import build_backbone, load_backbone
from facezoo.registry import installed_plugins
from facezoo.registry.entries import BACKBONES, HOOKS, PluginEntry
from facezoo_cli.main import cli
from support.distributions import Distribution
from support.fixtures import PLAIN, TWIN

_FLAT = """
from torch import nn


def flat(dim, size):
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * size * size, dim))
"""
INTRUDER = Distribution(
    "facezoo-intruder", {"fixture_intruder": _FLAT}, {BACKBONES: {"small": "fixture_intruder:flat"}}
)
PAIR = [
    Distribution(
        name, {f"fixture_{name}": _FLAT}, {BACKBONES: {"flat": f"fixture_{name}:flat"}}, version=version
    )
    for name, version in (("left", "1.0"), ("right", "2.0"))
]


def entries(name: str) -> dict[str, PluginEntry]:
    return {entry.dist: entry for entry in installed_plugins(BACKBONES) if entry.name == name}


def test_a_name_of_facezoos_own_is_never_anothers(with_installed):
    with_installed(INTRUDER)
    found = entries("small")
    assert (found["facezoo"].status, found["facezoo-intruder"].status) == ("ok", "shadowed")
    assert found["facezoo-intruder"].reason == (
        "facezoo itself has a backbone of this name; say facezoo-intruder:small"
    )
    assert load_backbone("small").entry.dist == "facezoo"
    assert isinstance(build_backbone("facezoo-intruder:small", 8, 16)[0], nn.Flatten)


def test_switching_facezoos_own_off_does_not_hand_its_name_on(with_installed, monkeypatch):
    with_installed(INTRUDER)
    monkeypatch.setenv("FACEZOO_DISABLE", "facezoo:small")
    assert {dist: entry.status for dist, entry in entries("small").items()} == {
        "facezoo": "disabled",
        "facezoo-intruder": "shadowed",
    }
    with pytest.raises(FacezooError, match=r"backbone 'small' of facezoo .* switched off by"):
        load_backbone("small")
    assert load_backbone("facezoo-intruder:small").entry.dist == "facezoo-intruder"


def test_between_others_a_duplicate_is_an_error_that_names_both(with_installed):
    with_installed(*PAIR)
    with pytest.raises(
        FacezooError, match=r"backbone 'flat' is offered by left 1\.0 and right 2\.0"
    ) as caught:
        load_backbone("flat")
    assert "left:flat or right:flat" in caught.value.hint
    loaded = load_backbone("right:flat")
    assert (loaded.entry.dist, loaded.entry.version) == ("right", "2.0")
    assert loaded.build(8, 16)(torch.zeros(2, 3, 16, 16)).shape == (2, 8)


def test_observers_of_one_name_are_no_duplicates_since_nothing_names_them(with_installed):
    with_installed(
        *(Distribution(name, {}, {HOOKS: {"diary": "nowhere:x"}}) for name in ("diary-a", "diary-b"))
    )
    found = {entry.dist: entry.status for entry in installed_plugins(HOOKS) if entry.name == "diary"}
    assert found == {"diary-a": "ok", "diary-b": "ok"}


@pytest.mark.parametrize(
    "args",
    [
        ["show-head", "facezoo.Twin:plain"],
        ["check-head", "facezoo.Twin:plain", "-k", "round_trip"],
        ["train", "--head", "facezoo.Twin:plain", "--dry-run"],
        ["train", "--head", "cosface", "--set", "backbone.name=facezoo-intruder:small", "--dry-run"],
    ],
)
def test_commands_take_a_name_with_its_distribution(with_installed, args):
    with_installed(PLAIN, TWIN, INTRUDER)
    result = CliRunner().invoke(cli, args)
    assert result.exit_code == 0, result.output
    assert next(arg for arg in args if ":" in arg).rpartition("=")[2] in result.output


def test_so_does_the_library(with_installed):
    with_installed(PLAIN, TWIN)
    assert facezoo.build("facezoo.Twin:plain", classes=5, dim=4).owner == "head 'plain' of facezoo.Twin 2.5"
