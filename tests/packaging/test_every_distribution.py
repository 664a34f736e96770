"""Every distribution works alone, with what it says it needs; and one name brings them all."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tomllib
from collections.abc import Iterator, Mapping
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from support.distributions import PLUGINS, install, run
from support.imports import packages

ROOT = Path(__file__).parents[2]
PROJECTS = {path.parent.name: tomllib.loads(path.read_text(encoding="utf-8"))["project"] for path in PLUGINS}
EVERYTHING = "all"
OFFERING = sorted(PROJECTS.keys() - {EVERYTHING})
THERE = {"pytest"}
"""Installed wherever the lines that import it run: only tests ask for parameters of pytest."""


def requirements(project: dict[str, Any]) -> Iterator[Requirement]:
    """What a project needs, and what its extras need."""
    extras = project.get("optional-dependencies", {})
    yield from map(
        Requirement, [*project["dependencies"], *(line for lines in extras.values() for line in lines)]
    )


def test_one_name_needs_every_distribution():
    named = [requirement.name for requirement in requirements(PROJECTS[EVERYTHING])]
    assert named == ["facezoo", *(f"facezoo-{name}" for name in OFFERING)]


@pytest.fixture(scope="module")
def homes() -> Mapping[str, list[str]]:
    """The distributions that have each package, read once."""
    return packages_distributions()


@pytest.mark.parametrize("name", OFFERING)
def test_what_a_distribution_imports_it_needs(name: str, homes: Mapping[str, list[str]]):
    root = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = [*map(Requirement, root["dependencies"]), *requirements(PROJECTS[name])]
    named = {canonicalize_name(requirement.name) for requirement in needed}
    for package in packages(ROOT / "plugins" / name / "src") - sys.stdlib_module_names - THERE:
        if not package.startswith("facezoo"):  # the order of these is another test's
            assert named & {canonicalize_name(home) for home in homes.get(package, [])}, package


def sites_of(name: str, sites: dict[str, Path]) -> list[str]:
    """The unpacked wheels of a distribution and of what it needs of this repository, but facezoo's."""
    needed = (Requirement(line).name.partition("facezoo-")[2] for line in PROJECTS[name]["dependencies"])
    return [str(sites[name]), *(site for other in needed if other for site in sites_of(other, sites))]


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked")
def test_every_distribution_works_alone(wheels, empty, tmp_path: Path):
    """The wheel of each is unpacked, as installing it does, beside facezoo's."""
    sites = {name: install(wheel, tmp_path / name) for name, wheel in wheels.items()}
    plan = {f"facezoo-{name}": sites_of(name, sites) for name in OFFERING}
    command = [empty.python, "-I", Path(__file__).parent / "alone.py", sites["facezoo"], json.dumps(plan)]
    troubles = json.loads(run(command, FACEZOO_DISABLE="").stdout)
    assert troubles.keys() == plan.keys()
    assert {dist: said for dist, said in troubles.items() if said} == {}


def write_index(folder: Path, wheels: dict[str, Path]) -> str:
    """An index of packages in the form that pip reads, made of files; its address."""
    for name, wheel in wheels.items():
        page = folder / ("facezoo" if name == "facezoo" else f"facezoo-{name}")
        page.mkdir(parents=True)
        shutil.copy(wheel, page)
        (page / "index.html").write_text(f'<a href="{wheel.name}">{wheel.name}</a>')
    return folder.as_uri()


def of_facezoo(environment: Any) -> set[str]:
    """The distributions of this repository that are installed there, by their folders."""
    names = (path.name for path in environment.home.glob("lib/python*/site-packages/facezoo*.dist-info"))
    return {name.split("-")[0].removeprefix("facezoo_") for name in names}


@pytest.mark.slow
def test_extras_come_from_an_index_and_everything_from_a_folder_of_wheels(wheels, empty, tmp_path: Path):
    empty.pip_finds("--index-url", write_index(tmp_path / "index", wheels), "facezoo[figures,orl,testing]")
    assert of_facezoo(empty) == {"facezoo", "plot", "compare", "orl", "conformance"}
    empty.pip_finds("--no-index", "--find-links", str(wheels["facezoo"].parent), "facezoo-all")
    assert of_facezoo(empty) == {"facezoo", *PROJECTS}
    groups = json.loads(empty.facezoo("list", "--json").stdout).values()
    listed = [entry for group in groups for entry in group]
    assert {entry["status"] for entry in listed} <= {"ok", "disabled"}  # TensorBoard is off in these tests
    assert {entry["dist"] for entry in listed} == {"facezoo", *(f"facezoo-{name}" for name in OFFERING)}
