"""The faults that `make soak` plants: which there are, and that each is one change of the module."""

from __future__ import annotations

import ast

import pytest

from soak.mutations import Mutant, mutants_of
from soak.places import FOLDERS, ROOT


def changes(source: str) -> set[str]:
    """What becomes of a function's body, by mutant."""
    original = ast.unparse(ast.parse(source))
    found = set()
    for mutant in mutants_of("m.py", source):
        text = mutant.source(source)
        assert text != original, mutant.name
        compile(text, "m.py", "exec")
        found |= set(text.splitlines()) - set(original.splitlines())
    return {line.strip() for line in found}


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("x = a < b", {"x = a <= b"}),
        ("x = a + 2", {"x = a - 2", "x = a + 3"}),
        ("x = a and not b", {"x = a or not b", "x = a and b"}),
        ("x = f(a, k=b)", {"x = f(a)"}),
        ("a.x = b", {"pass"}),
        ("f(a)", {"pass"}),
        ("raise E('no', 3)", {"pass"}),
        (
            "x = 1 if a else True",
            {"x = 1 if not a else True", "x = 2 if a else True", "x = 1 if a else False"},
        ),
        ("return a", {"return None"}),
        ("x = zip(a, b, strict=True)", set()),
        ("assert a == 1", set()),
        ("x: int | None = b", set()),
    ],
)
def test_each_kind_of_change(line: str, wanted: set[str]):
    assert changes(f"def f(a, b):\n    {line}\n") == wanted


def test_what_says_and_checks_is_left_alone():
    source = '''
"""Docstring 1."""
@decorated(1)
def f(a: int | None) -> int | str:
    """Docstring 2."""

BOUND: Final = 2**20
"""Docstring 3."""
'''
    assert list(mutants_of("m.py", source)) == []


def test_names_do_not_depend_on_lines_and_none_is_twice():
    source = "class A:\n    def f(self):\n        return 1 + 1\n"
    mutants = list(mutants_of("m.py", source))
    moved = list(mutants_of("m.py", "\n\n" + source))
    assert [each.name for each in mutants] == [each.name for each in moved]
    assert len({each.name for each in mutants}) == len(mutants) == 4
    assert mutants[-1] == Mutant("m.py", "m.py A.f: 1 -> 2 (2)", 3, mutants[-1].place, 0)


@pytest.mark.slow
def test_faults_that_are_explained_are_still_planted():
    lines = (ROOT / "tests/soak/survivors.txt").read_text(encoding="utf-8").splitlines()
    named = [line.rpartition(" | ")[0] for line in lines if line.strip() and not line.startswith("#")]
    assert len(named) > 5
    files = {name.split()[0] for name in named}
    assert all(any((ROOT / file).is_relative_to(folder) for folder in FOLDERS) for file in files)
    planted = {
        mutant.name
        for file in files
        for mutant in mutants_of(file, (ROOT / file).read_text(encoding="utf-8"))
    }
    assert set(named) - planted == set()
