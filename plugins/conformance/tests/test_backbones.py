"""The checks of backbones: sound ones pass, and each broken one fails its check alone."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from facezoo import FacezooError
from facezoo.registry.entries import BACKBONES
from facezoo_conformance import checks
from facezoo_conformance.backbones import RULES
from facezoo_conformance.check import group
from support.distributions import Distribution
from support.tiny_backbone import TINY

SOURCE = Path(__file__).with_name("broken_backbones.py").read_text(encoding="utf-8")
BROKEN = [name for name in RULES if name not in ("requirement", "factory")]
OTHERS = ["plain", "choosy", "refusing", "unfit", "factory", "doubled", "cut", "idle"]
DIST = Distribution(
    "facezoo-broken-backbones",
    {"fixture_broken_backbones": SOURCE},
    {BACKBONES: {name: f"fixture_broken_backbones:{name}" for name in (*OTHERS, *BROKEN)}},
)
FREE = Distribution(
    "facezoo-free", {"fixture_free": SOURCE}, {BACKBONES: {"free": "fixture_free:plain"}}, requires=()
)


@pytest.fixture(autouse=True)
def there(with_installed):
    with_installed(DIST, FREE, TINY)


def failed(name: str, only: str = "") -> dict[str, str]:
    chosen = [check for check in checks("backbone", name) if only in ("", check.name)]
    results = {check.name: check.result() for check in chosen}
    return {check: result.message for check, result in results.items() if result.outcome != "passed"}


@pytest.mark.parametrize("name", ["plain", "choosy", "tiny"])
def test_a_sound_backbone_passes(name: str):
    assert failed(name) == {}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_backbone_fails_its_check_and_no_other(name: str):
    also = {"repeats": ["alone"]}.get(name, [])  # what differs each time differs alone, too
    assert list(failed(name)) == [*also, name]


@pytest.mark.parametrize(
    ("name", "check", "said"),
    [
        ("free", "requirement", "facezoo-free names no facezoo in its dependencies"),
        ("refusing", "factory", "none of the sizes 32, 64, 112, 224 is served: not today"),
        (
            "factory",
            "factory",
            "backbone 'factory' of facezoo-broken-backbones 1.0 fails for dim=24, size=32: ",
        ),
        ("unfit", "factory", "backbone 'unfit' of facezoo-broken-backbones 1.0 fails for dim=24, size=31: "),
        ("embedding_size", "embedding_size", "dim=24, size=32: embeddings [6, 16], not [6, 24]"),
        ("doubled", "embedding_size", "dim=24, size=32: embeddings are torch.float64, not float32"),
        ("finite", "finite", "images of -1 alone: not finite in training"),
        ("gradients", "gradients", "embeddings have no gradient"),
        ("cut", "gradients", "body.2.weight gets no gradient"),
        ("idle", "gradients", "unused gets no gradient"),
        ("alone", "alone", "alone and in a batch, image 0 differs by "),
        ("read_only", "read_only", "changed in evaluation mode: seen"),
    ],
)
def test_a_failure_says_what(name: str, check: str, said: str):
    assert failed(name, check)[check].startswith(said)


def test_what_is_not_there_is_an_error():
    with pytest.raises(FacezooError, match="unknown backbone 'plian'; did you mean 'plain'"):
        checks("backbone", "plian")
    with pytest.raises(FacezooError, match="no checks of a 'backbones'; did you mean 'backbone'"):
        checks("backbones", "plain")


def test_the_command_names_the_check_to_run_again(invoke):
    result = invoke("check", "backbone", "idle", "-k", "gradients")
    assert result.exit_code == 1
    assert result.stdout.splitlines()[0] == "idle: facezoo-broken-backbones 1.0"
    assert "  $ facezoo check backbone idle -k gradients\n" in result.stdout


def test_shells_complete_what_can_be_checked():
    command = group.commands["backbone"]
    context = click.Context(command)
    (argument,) = [each for each in command.params if each.name == "name"]
    assert {"idle", "inputs_kept"} <= {item.value for item in argument.shell_complete(context, "i")}
    assert [item.value for item in argument.shell_complete(context, "idl")] == ["idle"]
