"""Lists that are printed do not grow with the data."""

from __future__ import annotations

from facezoo._cut import SHOWN, listed, named
from facezoo.data.faces import LeftOut, told


def test_a_list_is_cut_with_a_count_and_where_the_rest_is():
    lines = list(listed("files", map(str, range(20_000)), 20_000))
    assert lines[0] == "files: 20,000"
    assert lines[1:-1] == [f"  {n}" for n in range(SHOWN)]
    assert lines[-1] == "  and 19,995 more; --json lists all"
    assert list(listed("files", [], 0)) == ["files: 0"]
    assert list(listed("files", map(str, range(SHOWN)), SHOWN))[-1] == "  4"


def test_names_in_one_line_are_cut():
    assert named(tuple("abcdefg"), " = ") == "a = b = c = d = e and 2 more"
    assert named(("a", "b")) == "a, b"


def test_many_files_left_out_are_told_by_reason():
    few = [LeftOut(f"{n}.png", "empty file") for n in range(SHOWN)]
    assert list(told(few, "in the list")) == [f"  {n}.png: empty file" for n in range(SHOWN)]
    many = [*few, *(LeftOut(f"._{n}.png", "hidden") for n in range(9_000))]
    assert list(told(many, "all in the list")) == [
        "  5 x empty file, such as 0.png",
        "  9,000 x hidden, such as ._0.png",
        "  all in the list",
    ]
    different = [LeftOut(f"{n}.png", f"broken at {n}") for n in range(7)]
    assert list(told(different, "all in the list"))[-1] == "  and 2 other reasons; all in the list"
