"""`facezoo show-head`: settings with defaults and ranges, presets, source."""

from __future__ import annotations

import json

import pytest

from support.fixtures import BROKEN, PLAIN, TWIN


def test_all_that_the_record_declares_is_shown(with_installed, invoke):
    with_installed(PLAIN)
    result = invoke("show-head", "plain")
    assert result.exit_code == 0
    assert result.stdout == (
        "plain: A head for tests\n"
        "  distribution  facezoo-plain 1.0\n"
        "  revision      1\n"
        "  paper         Nobody, 2026\n"
        "  tags          test\n"
        "\n"
        "Settings\n"
        "  scale    16.0     number > 0, <= 128  what the logits are multiplied by\n"
        "  margin   0.2      number >= 0, < 1    taken off the target cosine\n"
        '  variant  "plain"  string\n'
        "\n"
        "Presets\n"
        "  paper: margin = 0.5\n"
        "\n"
        "facezoo train --head plain --set head.KEY=VALUE\n"
    )


def test_json_is_all_that_the_record_declares(with_installed, invoke):
    with_installed(PLAIN)
    found = json.loads(invoke("show-head", "plain", "--json").stdout)
    settings = found.pop("settings")
    assert settings == json.loads(invoke("show-head", "plain", "--json-schema").stdout)
    assert found == {
        "name": "plain",
        "dist": "facezoo-plain",
        "version": "1.0",
        "summary": "A head for tests",
        "revision": 1,
        "paper": "Nobody, 2026",
        "tags": ["test"],
        "properties": [],
        "expected_failures": {},
        "presets": {"paper": {"margin": 0.5}},
    }


def test_json_schema_is_json_alone(with_installed, invoke):
    with_installed(PLAIN)
    schema = json.loads(invoke("show-head", "plain", "--json-schema").stdout)
    assert schema["additionalProperties"] is False
    assert schema["properties"]["margin"]["exclusiveMaximum"] == 1


def test_one_of_two_is_shown_by_its_distribution(with_installed, invoke):
    with_installed(PLAIN, TWIN)
    assert invoke("show-head", "plain").exit_code == 2
    assert "distribution  facezoo.Twin 2.5" in invoke("show-head", "facezoo-twin:plain").stdout


@pytest.mark.parametrize("name", ["absent", "exits", "syntax", "nospec", "protocol"])
def test_a_broken_head_hurts_nobody_else(with_installed, invoke, name):
    with_installed(PLAIN, BROKEN)
    assert invoke("show-head", name).exit_code == 2
    assert invoke("show-head", "plain").exit_code == 0


def test_choices_and_unions_are_read_out():
    from typing import Literal

    from facezoo import HeadConfig
    from facezoo_cli.show_head import _settings

    class Config(HeadConfig):
        scale: float | Literal["auto"] = "auto"
        kind: Literal["a", "b"] = "a"
        needed: int

    lines = list(_settings(Config.model_json_schema()))
    assert lines[1:] == [
        '  scale   "auto"         number or "auto"',
        '  kind    "a"            "a" | "b"',
        "  needed  (must be set)  integer",
    ]
