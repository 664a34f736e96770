"""The conformance kit: sound heads pass, each broken head fails its check alone, declarations are strict."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from facezoo import FacezooError
from facezoo.registry import LoadedHead, load_head
from facezoo.registry.entries import HEADS
from facezoo_conformance import HeadCheck, head_checks
from facezoo_conformance.heads.case import variants
from facezoo_conformance.heads.rules import RULES
from support.distributions import Distribution

HERE = Path(__file__).parent
NAMES = ["plain", "rich", "late", *(name for name in RULES if name != "requirement")]
DISTRIBUTIONS = (
    Distribution(
        "facezoo-broken-heads",
        {
            "fixture_broken_heads": (HERE / "broken_heads.py").read_text(encoding="utf-8"),
            "fixture_broken_heads_torch": (HERE / "broken_heads_torch.py").read_text(encoding="utf-8"),
            "fixture_no_torch": "import torch\n\nfrom fixture_broken_heads import no_torch as spec\n",
        },
        {
            HEADS: {name: f"fixture_broken_heads:{name}" for name in NAMES}
            | {"no_torch": "fixture_no_torch:spec"}
        },
    ),
    Distribution(
        "facezoo-unrequiring",
        {"fixture_unrequiring": "from fixture_broken_heads import requirement as spec\n"},
        {HEADS: {"requirement": "fixture_unrequiring:spec"}},
        requires=(),
    ),
)


@pytest.fixture
def load(with_installed: Callable[..., None]) -> Callable[..., LoadedHead]:
    """Load one of the broken heads, declaring expected failures."""
    with_installed(*DISTRIBUTIONS)

    def get(name: str, **expected: str) -> LoadedHead:
        loaded = load_head(name)
        return replace(loaded, spec=replace(loaded.spec, expected_failures=expected))

    return get


def outcomes(head: LoadedHead) -> dict[str, str]:
    """What did not simply pass, with what is said of it."""
    results = {check.name: check.result() for check in head_checks(head)}
    return {n: f"{r.outcome}: {r.message}" for n, r in results.items() if r.outcome != "passed"}


@pytest.mark.parametrize("name", ["plain", "rich"])
def test_a_sound_head_passes(load, name: str):
    assert outcomes(load(name)) == {}


@pytest.mark.parametrize("name", RULES)
def test_a_broken_head_fails_its_check_and_no_other(load, name: str):
    found = outcomes(load(name))
    assert list(found) == [name], found
    assert found[name].startswith("failed: ")


SAID = {
    "gradient": "defaults, fresh: dense: embeddings[",
    "presets": "preset 'paper': head.margin: ",
    "strict_settings": "scale = '16.0' is accepted: derive the settings from facezoo.HeadConfig",
    "requirement": "facezoo-unrequiring names no facezoo in its dependencies",
    "no_torch": "importing fixture_no_torch:spec imports torch",
    "inputs_kept": "defaults, fresh: changed in place: labels",
    "finite": "defaults, fresh: dense, cos = 1: gradient of embeddings is not finite",
}


@pytest.mark.parametrize("name", SAID)
def test_a_failure_says_under_which_settings_and_what(load, name: str):
    (check,) = [check for check in head_checks(load(name)) if check.name == name]
    assert check.result().message.startswith(SAID[name])


def test_every_choice_is_checked_fresh_and_fully_active(load):
    head = load("late")
    assert list(variants(head)) == ["defaults", "kind = 'late'"]  # and not the flag, which is refused
    found = outcomes(head)
    assert list(found) == ["gradient"]
    assert found["gradient"].startswith("failed: kind = 'late', fully active: dense: embeddings[")


def check_of(head: LoadedHead, name: str) -> HeadCheck:
    return next(check for check in head_checks(head) if check.name == name)


def test_an_expected_failure_is_one(load):
    result = check_of(load("permutation", permutation="later rows weigh more"), "permutation").result()
    assert (result.outcome, result.message) == ("expected", "later rows weigh more")


def test_an_expected_failure_that_passes_has_failed(load):
    result = check_of(load("plain", permutation="so it was once"), "permutation").result()
    assert result.outcome == "failed"
    assert result.message == "it passes: take it out of expected_failures (so it was once)"


@pytest.mark.parametrize(
    ("expected", "said"),
    [
        ({"permutations": "?"}, "none of that name; did you mean 'permutation'?"),
        ({"gradient": "too hard"}, "'gradient', which every head must pass"),
        ({"permutation": " "}, "'permutation' without a reason"),
    ],
)
def test_what_cannot_be_declared_is_an_error(load, expected: dict[str, str], said: str):
    with pytest.raises(FacezooError, match=r"head 'plain' of facezoo-broken-heads 1\.0 declares") as caught:
        head_checks(load("plain", **expected))
    assert said in caught.value.message


def test_names_and_descriptions_are_there_and_no_name_is_in_another():
    for name, rule in RULES.items():
        assert rule.doc.endswith("."), name
        assert [other for other in RULES if name in other] == [name]


def test_three_lines_are_a_test_file(tmp_path: Path):
    (tmp_path / "test_mine.py").write_text(
        "from facezoo.testing import parametrize_head_checks\n\n"
        '@parametrize_head_checks("cosface")\ndef test_head(check): check()\n'
    )
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-k", "state or gradient or saving"]
    done = subprocess.run([*command, "-v", "."], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert "test_mine.py::test_head[cosface-gradient] PASSED" in done.stdout


def test_what_is_expected_to_fail_is_a_strict_xfail_in_pytest(load, monkeypatch: pytest.MonkeyPatch):
    from facezoo_conformance import parametrize_head_checks
    from facezoo_conformance.heads import kit

    head = load("plain", permutation="known")
    monkeypatch.setattr(kit, "load_head", lambda name: head)
    parameters = {each.id: each.marks for each in parametrize_head_checks("plain").args[1]}
    assert list(parameters) == [f"plain-{name}" for name in [each.rule.name for each in head_checks(head)]]
    (mark,) = parameters["plain-permutation"]
    assert (mark.name, mark.kwargs) == ("xfail", {"reason": "known", "strict": True})
    assert parameters["plain-gradient"] == []


def test_importing_the_kit_imports_no_pytest():
    code = "import sys; from facezoo.testing import head_checks; sys.exit('pytest' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
