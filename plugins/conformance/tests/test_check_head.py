"""`facezoo check-head`: a line per check, what to do where one fails, exit codes."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from facezoo_conformance.heads import kit
from facezoo_conformance.heads.rules import RULES
from facezoo_conformance.rules import CheckFailure
from support.fixtures import BROKEN, PLAIN


def break_check(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    def fail(head):
        raise CheckFailure("preset 'paper', fresh: it is broken")

    rules = tuple(replace(rule, run=fail) if rule.name == name else rule for rule in kit.IN_ORDER)
    monkeypatch.setattr(kit, "IN_ORDER", rules)


def test_every_check_has_its_line_and_the_last_line_sums_up(with_installed, invoke, monkeypatch):
    with_installed(PLAIN)
    monkeypatch.setattr(kit, "IN_ORDER", tuple(replace(rule, run=lambda head: None) for rule in kit.IN_ORDER))
    result = invoke("check-head", "plain")
    assert result.exit_code == 0
    first, *lines, empty, last = result.stdout.splitlines()
    assert (first, empty) == ("plain: facezoo-plain 1.0", "")
    assert [re.fullmatch(r"  passed    (\w+) +\d+\.\d\d s", line)[1] for line in lines] == [
        rule.name for rule in kit.IN_ORDER
    ]
    assert re.fullmatch(rf"{len(RULES)} passed in \d+\.\d s", last)


def test_a_failure_is_exit_code_1_and_says_what_and_how_to_run_it_alone(with_installed, invoke, monkeypatch):
    with_installed(PLAIN)
    break_check(monkeypatch, "saving")
    result = invoke("check-head", "plain", "-k", "saving")
    assert result.exit_code == 1
    _, line, *said, _, last = result.stdout.splitlines()
    assert line.startswith("  failed    saving ")
    assert [text.strip() for text in said] == [
        "preset 'paper', fresh: it is broken",
        RULES["saving"].doc,
        "$ facezoo check-head plain -k saving",
    ]
    assert last.startswith("1 failed in ")
    assert "Traceback" not in result.stderr
    assert "CheckFailure" in invoke("check-head", "plain", "-k", "saving", "--traceback").stderr


def test_what_fails_alike_is_explained_once(with_installed, invoke, monkeypatch):
    with_installed(PLAIN)
    break_check(monkeypatch, "saving")
    break_check(monkeypatch, "resume")
    others = tuple(rule for rule in kit.IN_ORDER if rule.name in {"saving", "resume"})
    monkeypatch.setattr(kit, "IN_ORDER", others)
    lines = invoke("check-head", "plain").stdout.splitlines()
    failed = [number for number, line in enumerate(lines) if line.startswith("  failed")]
    assert sum("it is broken" in line for line in lines) == 1
    first = lines[failed[0]].split()[1]
    assert lines[failed[1] + 1].strip() == f"as {first!r} above"


def test_a_head_is_really_checked(with_installed, invoke):
    with_installed(PLAIN)
    result = invoke("check-head", "plain", "-k", "settings")
    assert result.exit_code == 1
    assert "without a description: variant" in result.stdout
    assert result.stdout.splitlines()[-1].startswith("1 passed, 1 failed in ")


def test_json_is_json_alone(with_installed, invoke):
    with_installed(PLAIN)
    result = invoke("check-head", "plain", "--json", "-k", "settings")
    report = json.loads(result.stdout)
    assert result.exit_code == 1
    assert (report["head"], report["dist"], report["version"]) == ("plain", "facezoo-plain", "1.0")
    strict, described = report["checks"]
    assert (strict["name"], strict["group"], strict["outcome"]) == ("strict_settings", "record", "passed")
    assert (described["outcome"], described["message"][:30]) == ("failed", "without a description: variant")


def test_an_expected_failure_is_shown_with_its_reason_and_is_none(with_installed, invoke, monkeypatch):
    with_installed(PLAIN)
    loaded = kit.load_head("plain")
    declared = replace(loaded.spec, expected_failures={"described_settings": "one speaks for itself"})
    monkeypatch.setattr(kit, "load_head", lambda name: replace(loaded, spec=declared))
    result = invoke("check-head", "plain", "-k", "described")
    assert result.exit_code == 0
    assert "  expected  described_settings" in result.stdout
    assert "one speaks for itself" in result.stdout
    assert "1 failed as expected in " in result.stdout


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["plian"], "Error: unknown head 'plian'; did you mean 'plain'?"),
        (["renamed"], "Error: head 'renamed' of facezoo-broken 1.0 calls itself 'other'"),
        (["plain", "-k", "gradeint"], "Error: -k gradeint: there is no such check; did you mean 'gradient'?"),
    ],
)
def test_nothing_to_check_is_exit_code_2(with_installed, invoke, args, said):
    with_installed(PLAIN, BROKEN)
    result = invoke("check-head", *args)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(said)
