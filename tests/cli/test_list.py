"""`facezoo list` and `list-heads`: complete and unmoved by whatever is wrong with a plug-in."""

from __future__ import annotations

import json

import pytest

from facezoo.registry import load_plugin
from facezoo.registry.entries import BACKBONES, BENCHMARKS, COMMANDS, DATA, KINDS
from facezoo_cli.lines import LINES
from support.distributions import Distribution, facezoo
from support.fixtures import BROKEN, FUTURE, PLAIN, TWIN

FIELDS = {"name", "dist", "version", "summary", "status", "reason"}


SOURCES = Distribution("facezoo-sources", {}, {DATA: {"heap": "a:b"}, BENCHMARKS: {"heap": "a:c"}})


def rows(text: str) -> dict[str, dict[str, str]]:
    return {f"{row['dist']}:{row['name']}": row for row in json.loads(text)}


def test_json_is_a_list_of_records(with_installed, invoke):
    with_installed(PLAIN)
    found = rows(invoke("list-heads", "--json").stdout)
    assert all(set(row) == FIELDS for row in found.values())
    assert found["facezoo-plain:plain"] == {
        "name": "plain",
        "dist": "facezoo-plain",
        "version": "1.0",
        "summary": "A plain head",
        "status": "ok",
        "reason": "",
    }


def test_the_table_has_a_line_a_head_and_one_for_each_reason(with_installed, invoke):
    with_installed(PLAIN, TWIN, BROKEN)
    lines = invoke("list-heads").stdout.splitlines()
    place = next(index for index, line in enumerate(lines) if line.startswith("plain "))
    assert lines[0].split() == ["HEAD", "STATUS", "DISTRIBUTION", "SUMMARY"]
    assert lines[place].split(maxsplit=4) == ["plain", "duplicate", "facezoo-plain", "1.0", "A plain head"]
    assert lines[place + 1].strip() == "facezoo.Twin offers the same name; say facezoo-plain:plain"


def test_all_that_can_be_wrong_is_listed_at_once(installed):
    sites = tuple(map(installed, (PLAIN, TWIN, FUTURE, BROKEN)))
    done = facezoo("list-heads", "--json", sites=sites, FACEZOO_DISABLE="absent,facezoo-broken:exits")
    assert (done.returncode, done.stderr) == (0, "")
    found = rows(done.stdout)
    expected = {
        "facezoo-plain:plain": "duplicate",
        "facezoo.Twin:plain": "duplicate",
        "facezoo-future:plain": "incompatible",
        "facezoo-broken:absent": "disabled",
        "facezoo-broken:exits": "disabled",
        "facezoo-broken:syntax": "ok",  # what is wrong inside shows when it is loaded: see doctor
    }
    assert {name: found[name]["status"] for name in expected} == expected
    assert all(bool(row["reason"]) == (row["status"] != "ok") for row in found.values())


@pytest.mark.parametrize("group", ["heads", "backbones", "commands", "data", "benchmarks", "hooks"])
def test_every_group_has_a_list_and_stands_in_the_list_of_all(invoke, group):
    everything = json.loads(invoke("list", "--json").stdout)
    alone = json.loads(invoke("list", group, "--json").stdout)
    assert everything[group] == alone
    assert all(set(row) == FIELDS for row in alone)
    table = invoke("list", group).stdout
    assert table in invoke("list").stdout
    title = KINDS[f"facezoo.{group}"]
    assert table.startswith(f"{title.upper()} " if alone else f"No {title} is installed.")


def test_list_heads_is_the_list_of_heads(with_installed, invoke):
    with_installed(PLAIN, TWIN)
    for option in ([], ["--json"]):
        assert invoke("list-heads", *option).stdout == invoke("list", "heads", *option).stdout


@pytest.mark.parametrize("group", [BACKBONES, COMMANDS, DATA, BENCHMARKS])
def test_facezoos_own_are_listed_with_lines_of_their_own(invoke, group):
    rows = json.loads(invoke("list", group.removeprefix("facezoo."), "--json").stdout)
    assert {row["name"]: row["summary"] for row in rows if row["dist"] == "facezoo"} == LINES[group]


def test_the_lines_of_sources_and_benchmarks_are_those_of_their_records():
    for group in (DATA, BENCHMARKS):
        found = {name: load_plugin(group, KINDS[group], name)[1].summary for name in LINES[group]}
        assert found == LINES[group]


@pytest.mark.parametrize(("named", "status"), [("heap", "disabled"), ("other:heap", "ok")])
def test_every_group_can_be_switched_off(with_installed, invoke, monkeypatch, named, status):
    with_installed(SOURCES)
    monkeypatch.setenv("FACEZOO_DISABLE", named)
    found = json.loads(invoke("list", "--json").stdout)
    assert [row["status"] for row in (*found["data"], *found["benchmarks"]) if row["name"] == "heap"] == [
        status
    ] * 2
