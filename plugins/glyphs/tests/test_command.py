"""`facezoo data glyphs`."""

from __future__ import annotations

import json
import shutil

import pytest
from click.testing import CliRunner

from facezoo_glyphs import packages
from facezoo_glyphs.command import command


def run(*arguments):
    result = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture(autouse=True)
def one_package(tmp_path, monkeypatch):
    (tmp_path / "dpkg").mkdir()
    (tmp_path / "dpkg" / "fonts-noto-cjk.list").touch()
    monkeypatch.setattr(packages, "INSTALLED", tmp_path / "dpkg")


def test_it_says_what_is_found(fonts):
    shutil.copy(fonts / "style0.ttf", fonts / "copy.ttf")
    (fonts / "empty.ttf").touch()
    said = run("latin,fonts=3", "--list-fonts")
    assert "latin: 10 characters to train on, 2 held out; 3 images each" in said
    assert "fonts: 3 designs in 4 files (what draws alike counts once)" in said
    assert "     12  style0, and 1 that draws alike\n" in said
    assert "not used: 1\n" in said
    assert "empty.ttf: " in said


def test_it_says_what_to_install(fonts):
    said = run("hangul", "--list-fonts")
    assert "hangul: 0 characters to train on" in said
    assert "apt-get install fonts-alee fonts-baekmuk" in said
    assert "fonts-noto-cjk" not in said
    assert "apt-get" not in run("hangul")
    assert "apt-get" not in run("latin", "--list-fonts")


def test_json_says_all_of_it(fonts):
    found = json.loads(run("glyphs:latin,fonts=2", "--json"))
    assert found["training_characters"] + found["held_out_characters"] == 12
    assert found["characters_in_at_least"] == {"2": 12}
    assert [design["characters"] for design in found["designs"]] == [12, 12, 12]
    assert found["designs"][0]["faces"][0]["path"].startswith(str(fonts))
    assert (found["left_out"], found["install"]) == ([], [])
