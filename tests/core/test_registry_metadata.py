"""Metadata as strangers leave it: read as far as it goes, named where it is wrong, never in others' way."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from importlib.metadata import Distribution
from pathlib import Path
from typing import get_args
from zipfile import ZipFile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from facezoo import FacezooError, __version__
from facezoo._words import printable
from facezoo.registry import PluginEntry, entries, installed_heads, load_head, metadata
from support.distributions import Distribution as Sample
from support.fixtures import PLAIN

GOOD = b"[facezoo.heads]\nplain = fixture_plain:spec\n"
ABOUT = b"Metadata-Version: 2.1\nName: stranger\nVersion: 1.0\nSummary: Nothing\n"
OWN = Sample("facezoo", {}, {"facezoo.hooks": {}}, version=__version__, requires=())
Listing = Callable[..., list[PluginEntry]]


@pytest.fixture
def listing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Listing:
    """The heads of a stranger with these files; a sound one beside it must always be there."""
    PLAIN.lay_out(tmp_path / "sound")
    OWN.lay_out(tmp_path / "own")
    folder = tmp_path / "strange" / "stranger-1.0.dist-info"
    folder.mkdir(parents=True)
    found = metadata.sources
    monkeypatch.setattr(metadata, "sources", lambda _: found(map(str, tmp_path.iterdir())))

    def of(points: bytes = GOOD, about: bytes = ABOUT) -> list[PluginEntry]:
        (folder / "entry_points.txt").write_bytes(points)
        (folder / "METADATA").write_bytes(about)
        found = installed_heads()
        assert [entry.name for entry in found if entry.dist == "facezoo-plain"] == ["plain"]
        for entry in found:
            text = "".join((*entry.as_dict().values(), entry.value))
            assert printable(text) == text
        return [entry for entry in found if entry.dist != "facezoo-plain"]

    return of


@pytest.mark.parametrize(
    ("about", "dist", "version", "summary"),
    [
        (ABOUT, "stranger", "1.0", "Nothing"),
        (ABOUT.replace(b"Nothing", b"caf\xe9"), "stranger", "1.0", r"caf\xe9"),
        (ABOUT.replace(b"Nothing", "Zoë".encode()), "stranger", "1.0", "Zoë"),
        (b"\xef\xbb\xbf" + ABOUT, "stranger", "1.0", "Nothing"),
        (ABOUT.replace(b"\n", b"\r\n"), "stranger", "1.0", "Nothing"),
        (ABOUT.replace(b"Nothing", b"a\x1b[2J\x08\n  b"), "stranger", "1.0", r"a\x1b[2J\x08 b"),
        (ABOUT.replace(b"Name: stranger", b"Name: str\x1b[1manger"), r"str\x1b[1manger", "1.0", "Nothing"),
        (b"Summary: Nothing\n", "stranger", "1.0", "Nothing"),
        ("".join(map(chr, ABOUT)).encode("utf-16"), "stranger", "1.0", ""),
        (b"", "stranger", "1.0", ""),
        (ABOUT + b"\n" + b"x" * 3_000_000, "stranger", "1.0", "Nothing"),
    ],
)
def test_who_it_is_is_read_as_far_as_it_goes(listing, about, dist, version, summary):
    (entry,) = listing(about=about)
    assert (entry.dist, entry.version, entry.summary) == (dist, version, summary)
    assert entry.status == "duplicate"  # as sound as the other that has the name


@pytest.mark.parametrize(
    ("line", "name", "reason"),
    [
        (b"no equals sign", "no equals sign", "the name 'no equals sign' is not made of letters"),
        (b"name", "name", "its entry point is '', not 'module:attribute'"),
        (b"name =", "name", "its entry point is ''"),
        (b"name = os.system('x')", "name", "its entry point is \"os.system('x')\""),
        (b"na\x1bme = m:spec", r"na\x1bme", "the name"),
        (b"na\xffme = m:spec", r"na\xffme", "the name"),
        ("a\u202eb = m:spec".encode(), r"a\u202eb", "the name"),
        (b"a:b = m:spec", "a:b", "the name 'a:b'"),
        (b"a,b = m:spec", "a,b", "the name"),
        (b" = m:spec", "?", "the name ''"),
        (b"n" * 101 + b" = m:spec", "n" * 37 + "...", "the name"),
    ],
)
def test_a_line_that_names_nothing_is_told_beside_those_that_do(listing, line, name, reason):
    broken, sound = sorted(listing(b"[other]\nx\n" + GOOD + line + b"\n"), key=lambda entry: entry.status)
    assert (broken.name, broken.status, sound.status) == (name, "broken", "duplicate")
    assert reason in broken.reason


def test_a_broken_entry_is_refused_with_its_owner_and_can_be_switched_off(listing, monkeypatch):
    listing(b"[facezoo.heads]\nname = \n")
    with pytest.raises(FacezooError, match=r"'name' of stranger 1\.0: its entry point is ''") as caught:
        load_head("name")
    assert "FACEZOO_DISABLE=stranger:name" in caught.value.hint
    monkeypatch.setenv("FACEZOO_DISABLE", "stranger:name")
    assert [entry.status for entry in installed_heads() if entry.name == "name"] == ["disabled"]


@pytest.mark.parametrize(
    ("points", "reason"),
    [
        (GOOD + b"#" * metadata.LARGEST, "its entry_points.txt has more than 1,048,576 bytes"),
        (GOOD + b"".join(b"h%d = m:s\n" % n for n in range(1000)), "it offers 1,001 names in the group"),
    ],
)
def test_what_is_too_much_is_named_and_not_read(listing, points, reason):
    (entry,) = listing(points)
    assert (entry.name, entry.status) == ("?", "broken")
    assert entry.reason.startswith(reason)


@pytest.mark.parametrize(
    "requirement",
    ["facezoo; " + "(" * 5000 + "python_version > '3'" + ")" * 5000, "facezoo; 'a' ~= 'b'", "facezoo ((("],
)
def test_a_requirement_that_cannot_be_read_makes_it_incompatible(listing, requirement):
    (entry,) = listing(about=ABOUT + f"Requires-Dist: {requirement}\n".encode())
    assert entry.status == "incompatible"
    assert "cannot be read" in entry.reason


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes with names")
def test_what_is_no_file_is_not_opened(listing, tmp_path):
    folder = tmp_path / "strange" / "piped-1.0.dist-info"
    folder.mkdir()
    os.mkfifo(folder / "entry_points.txt")
    (folder / "METADATA").mkdir()
    assert [entry.dist for entry in listing()] == ["stranger"]


class Elsewhere(Distribution):
    def __init__(self, text: str | None):
        self.text = text

    def read_text(self, filename):
        if self.text is None:
            raise RuntimeError
        return {"entry_points.txt": self.text, "METADATA": ABOUT.decode()}.get(filename)

    def locate_file(self, path):
        raise RuntimeError


class Finder:
    def find_spec(self, *args):
        return None

    def find_distributions(self, context=None):
        yield Elsewhere(None)
        yield Elsewhere(GOOD.decode())


class Raiser(Finder):
    def find_distributions(self, context=None):
        raise RuntimeError


@pytest.mark.parametrize(("finder", "found"), [(Finder(), ["stranger"]), (Raiser(), [])])
def test_a_finder_of_its_own_may_raise_anything(monkeypatch, finder, found):
    monkeypatch.setattr("sys.meta_path", [*sys.meta_path, finder])
    monkeypatch.setattr("sys.path", [])
    assert [entry.dist for entry in installed_heads()] == found


def test_what_is_installed_in_an_archive_is_found(tmp_path, monkeypatch):
    with ZipFile(tmp_path / "packed.zip", "w") as archive:
        archive.writestr("stranger-1.0.dist-info/METADATA", ABOUT)
        archive.writestr("stranger-1.0.dist-info/entry_points.txt", GOOD)
    monkeypatch.setattr("sys.path", [str(tmp_path / "packed.zip"), str(tmp_path / "absent")])
    (entry,) = installed_heads()
    assert (entry.dist, entry.name, entry.status) == ("stranger", "plain", "ok")


LINES = st.lists(
    st.one_of(
        st.sampled_from(
            [b"[facezoo.heads]", b"[facezoo.heads", b"plain = fixture_plain:spec", b"=", b"[]", b"a=b"]
        ),
        st.binary(max_size=20),
    ),
    max_size=8,
).map(b"\n".join)
HEADERS = st.lists(
    st.tuples(
        st.sampled_from([b"Name: ", b"Version: ", b"Summary: ", b"Requires-Dist: facezoo", b" ", b""]),
        st.binary(max_size=20),
    ).map(b"".join),
    max_size=6,
).map(b"\n".join)


@pytest.mark.slow
@pytest.mark.soak
@given(points=LINES, about=HEADERS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_metadata_is_listed(listing, points, about):
    for entry in listing(b"[facezoo.heads]\n" + points, about):
        assert entry.status in get_args(entries.Status)
        assert bool(entry.reason) == (entry.status != "ok")
