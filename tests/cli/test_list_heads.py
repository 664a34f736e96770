"""`facezoo list-heads`: complete and unmoved by whatever is wrong with a plug-in."""

from __future__ import annotations

import json

from support.distributions import facezoo
from support.fixtures import BROKEN, FUTURE, PLAIN, TWIN

FIELDS = {"name", "dist", "version", "summary", "status", "reason"}


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
