"""What is imported: it decides how soon a command answers. tests/benchmarks/startup.py measures times."""

from __future__ import annotations

import subprocess
import sys

import pytest

import facezoo
from facezoo.registry.entries import DATA
from support.distributions import plugins_offering

OURS = {"facezoo", "facezoo_cli"}
AT_ONCE = OURS | {"click"}
SETTINGS = AT_ONCE | {"packaging", "pydantic", "pydantic_core", "annotated_types"} | {
    "typing_extensions", "typing_inspection", "tomli_w"}  # fmt: skip
HEAVY = {"torch", "numpy", "pydantic", "rich", "PIL", "safetensors"}


def imported_by(code: str, *args: str) -> set[str]:
    """The packages from outside the standard library that a program imports, in a process of its own."""
    there = "lambda: print('imported', *{name.partition('.')[0] for name in sys.modules})"
    program = f"import atexit, sys; atexit.register({there}); {code}"
    done = subprocess.run([sys.executable, "-c", program, *args], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    said, *names = done.stdout.splitlines()[-1].split()
    assert said == "imported"
    return {name for name in names if name not in sys.stdlib_module_names and not name.startswith("_")}


def of_command(*args: str) -> set[str]:
    return imported_by("from facezoo_cli.main import main; main()", *args)


@pytest.mark.parametrize("words", ["--help", "--version", "train --help", "list", "list-heads --json"])
def test_help_and_lists_import_click_and_no_more(words):
    assert of_command(*words.split()) == AT_ONCE


def test_a_head_is_shown_with_no_other_and_without_torch():
    found = of_command("show-head", "cosface")
    assert "pydantic" in found
    assert found <= SETTINGS | {"facezoo_cosface"}


def test_settings_are_resolved_without_torch():
    found = of_command("train", "--head", "cosface", "--dry-run")
    sources = {f"facezoo_{name}" for name in plugins_offering(DATA)}  # one of their records is the default's
    assert found <= SETTINGS | {"facezoo_cosface"} | sources


def test_importing_the_library_imports_nothing_from_outside():
    assert imported_by("import facezoo") == {"facezoo"}
    assert imported_by("import facezoo.registry") & HEAVY == set()


def test_every_public_name_is_there():
    assert set(facezoo.__all__) <= set(dir(facezoo))
    for name in facezoo.__all__:
        assert getattr(facezoo, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = facezoo.nothing
