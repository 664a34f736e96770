"""`facezoo doctor`: everything is loaded, and each thing that is broken has its reason."""

from __future__ import annotations

import re

import pytest

from support.distributions import facezoo
from support.fixtures import BROKEN, FUTURE, MISFITS, PLAIN, RECORDER


@pytest.fixture(scope="module")
def report(installed) -> tuple[int, str]:
    sites = tuple(map(installed, (PLAIN, FUTURE, BROKEN, MISFITS, RECORDER)))
    done = facezoo("doctor", sites=sites, FACEZOO_DISABLE="exits,plian")
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
        ("exits", "disabled", "FACEZOO_DISABLE=exits,plian"),
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
        ("ORL faces", "", ""),
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
        "doctor", sites=(installed(FUTURE), installed(PLAIN)), FACEZOO_DISABLE="facezoo-future:plain"
    )
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "Everything is sound.")
