"""Words that come from outside: shown as one line that no terminal obeys and UTF-8 can write."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facezoo._words import first_line, printable, printable_lines, shown

HOSTILE = [
    ("caf\udce9", r"caf\xe9"),
    ("\x1b]0;owned\x07", r"\x1b]0;owned\x07"),
    ("a\rb\nc\td\b", r"a\rb\nc\td\x08"),
    ("\x7f\x9b2J", r"\x7f\x9b2J"),
    ("gpj\u202egnp.exe", r"gpj\u202egnp.exe"),
    ("\u2066a\u2069\u2028b", r"\u2066a\u2069\u2028b"),
    ("\ud800", r"\ud800"),
]
PLAIN = ["Zoë", "नमस्ते", "משה", "محمد", "王小明", "👩\u200d🔬", "a b", "", r"C:\faces"]


@pytest.mark.parametrize(("text", "expected"), HOSTILE)
def test_what_a_terminal_would_obey_is_escaped(text, expected):
    assert printable(text) == expected


@pytest.mark.parametrize("text", PLAIN)
def test_names_in_any_script_stay_as_they_are(text):
    assert printable(text) == text


@given(st.text(st.characters(exclude_categories=())))
def test_whatever_it_is_it_becomes_one_line_of_utf_8(text):
    line = printable(text)
    assert printable(line) == line
    assert "\x1b" not in line
    assert len(line.splitlines()) <= 1
    line.encode("utf-8")


def test_a_text_of_several_lines_keeps_them():
    assert printable_lines("one\ntwo\r\n\x1b[31mthree") == "one\ntwo\\r\n\\x1b[31mthree"


class ExitsError(Exception):
    def __str__(self):
        raise SystemExit(3)


class Mute:
    def __repr__(self):
        raise GeneratorExit


def test_an_error_is_told_in_one_line_whatever_its_text_does():
    assert first_line(ValueError("\n  one\ntwo")) == "ValueError: one"
    assert first_line(ValueError()) == "ValueError"
    assert first_line(ExitsError()) == "ExitsError, whose text raises SystemExit"
    assert first_line(ValueError("\x1b[2J\ud800")) == r"ValueError: \x1b[2J\ud800"
    assert len(first_line(ValueError("x" * 10**6))) < 400


def test_an_object_is_shown_in_one_line_whatever_its_repr_does():
    assert shown("a\n") == r"'a\n'"
    assert shown(Mute()) == "a Mute, whose repr raises GeneratorExit"
    assert len(shown("x" * 10**6)) <= 80
