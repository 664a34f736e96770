"""`make install` puts everything in place, and does so again when what is to be installed has changed."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from support.distributions import PLUGINS

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not there")


def plan(target: str, tree: Path, *variables: str) -> list[str]:
    """The lines of the recipes that `make TARGET` would run."""
    command = ["make", "--dry-run", target, *variables]
    # these tests may run in a make of their own, which this one is no part of
    alone = {
        name: value for name, value in os.environ.items() if name not in {"MAKEFLAGS", "MAKELEVEL", "MFLAGS"}
    }
    done = subprocess.run(command, cwd=tree, env=alone, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def installed(tree: Path) -> list[str]:
    """What the calls of pip are given, one line per call."""
    calls = (line.partition(" pip install --no-compile ") for line in plan("install", tree))
    return [call for _, pip, call in calls if pip]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A checkout without anything installed: the Makefile, and projects of which it only reads the files."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "pyproject.toml").write_text("root")
    (tmp_path / "constraints.txt").write_text("")
    add_plugin(tmp_path, "one")
    return tmp_path


def add_plugin(tree: Path, name: str) -> None:
    folder = tree / "plugins" / name
    folder.mkdir(parents=True)
    (folder / "pyproject.toml").write_text("a plugin")
    os.utime(folder / "pyproject.toml", (0, 0))  # as old as a folder that was moved or unpacked


def finish(tree: Path) -> None:
    """Leave the mark that the recipe leaves at its end."""
    mark = tree / plan("install", tree)[-1].removeprefix("touch ")
    mark.parent.mkdir(exist_ok=True)
    mark.touch()


def test_everything_is_installed_by_one_call_and_built_without_an_environment_for_each(tree: Path):
    add_plugin(tree, "two")
    assert installed(tree) == [
        "-c constraints.txt hatchling editables",
        "-c constraints.txt --no-build-isolation -e '.[dev]' -e plugins/one/ -e plugins/two/",
    ]


def test_the_checkout_installs_every_distribution_that_it_has(tmp_path: Path):
    lines = "\n".join(plan("install", ROOT, f"VENV={tmp_path}"))
    assert all(f" -e plugins/{path.parent.name}/" in lines for path in PLUGINS)


def test_nothing_is_installed_twice(tree: Path):
    finish(tree)
    (tree / "pyproject.toml").touch()
    assert installed(tree) == []


def test_a_distribution_that_was_added_is_installed_however_old_its_files_are(tree: Path):
    finish(tree)
    add_plugin(tree, "two")
    assert "-e plugins/one/ -e plugins/two/" in installed(tree)[1]


def test_a_distribution_that_went_is_noticed(tree: Path):
    add_plugin(tree, "two")
    finish(tree)
    shutil.rmtree(tree / "plugins" / "two")
    assert "plugins/two" not in installed(tree)[1]


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt", "plugins/one/pyproject.toml"])
def test_a_changed_file_installs_again(tree: Path, name: str):
    finish(tree)
    (tree / name).write_text("something else")
    assert len(installed(tree)) == 2


def test_the_demonstration_says_first_how_long_it_takes_and_how_large_it_is(tree: Path):
    first = " ".join(plan("demo", tree)[:2])  # one command, continued on the next line
    assert "about 5 minutes and 1.5 GB" in first
    finish(tree)
    assert "half a minute" in plan("demo", tree)[0]
