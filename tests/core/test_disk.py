"""Whole files and folders, claims, seals, and what may be deleted."""

from __future__ import annotations

import json
import os
import stat
import sys
from contextlib import suppress
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file

from facezoo import FacezooError
from facezoo.disk.claims import ClaimedError, claim
from facezoo.disk.durable import append, whole_file, whole_folder, write_json, write_text
from facezoo.disk.remains import MARK, clear_remains, discard, unused_name
from facezoo.disk.sealed import read_perhaps_sealed, read_sealed, write_sealed


def content(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def half_a_file(path: Path, failure: type[BaseException]) -> None:
    with whole_file(path) as beside:
        beside.write_text("half")
        raise failure


def half_a_folder(path: Path, failure: type[BaseException]) -> None:
    with whole_folder(path) as making:
        (making / "a").write_text("half")
        raise failure


@pytest.mark.parametrize("failure", [OSError, KeyboardInterrupt])
def test_a_file_is_whole_or_as_it_was(tmp_path: Path, failure: type[BaseException]):
    path = tmp_path / "a.txt"
    write_text(path, "before")
    with pytest.raises(failure):
        half_a_file(path, failure)
    assert path.read_text() == "before"
    write_text(path, "after")
    assert path.read_text() == "after"
    assert content(tmp_path) == ["a.txt"]


def test_files_of_the_same_name_are_nobodys_to_destroy(tmp_path: Path):
    (tmp_path / ".a.txt.tmp").write_text("somebody's")
    write_text(tmp_path / "a.txt", "ours")
    assert (tmp_path / ".a.txt.tmp").read_text() == "somebody's"
    write_text(tmp_path / ("n" * 255), "the longest name there is")


def test_json_holds_names_that_are_no_text(tmp_path: Path):
    write_json(tmp_path / "a.json", {"name": "caf\u00e9 \udcff"})
    assert json.loads((tmp_path / "a.json").read_text("utf-8")) == {"name": "caf\u00e9 \udcff"}


def test_a_link_is_replaced_and_not_written_through(tmp_path: Path):
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "link").symlink_to(tmp_path / "precious")
    write_text(tmp_path / "link", "ours")
    assert (tmp_path / "precious").read_text() == "precious"
    assert not (tmp_path / "link").is_symlink()


@pytest.mark.skipif(sys.platform == "win32", reason="permissions are Unix's")
@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_permissions_follow_the_umask_whoever_made_the_file(tmp_path: Path, mask: int, mode: int):
    before = os.umask(mask)
    try:
        with whole_file(tmp_path / "a.safetensors") as beside:
            save_file({"a": torch.zeros(1)}, beside)
        with whole_folder(tmp_path / "folder") as making:
            save_file({"a": torch.zeros(1)}, making / "b.safetensors")
    finally:
        os.umask(before)
    for file in (tmp_path / "a.safetensors", tmp_path / "folder" / "b.safetensors"):
        assert stat.S_IMODE(file.stat().st_mode) == mode
    assert stat.S_IMODE((tmp_path / "folder").stat().st_mode) == 0o777 & ~mask


def test_a_folder_is_whole_or_leaves_nothing(tmp_path: Path):
    place = tmp_path / "deep" / "down" / "folder"
    with pytest.raises(ZeroDivisionError):
        half_a_folder(place, ZeroDivisionError)
    assert content(tmp_path) == []
    with whole_folder(place) as making:
        (making / "a").write_text("whole")
    assert content(place) == ["a"]
    with pytest.raises(FileExistsError), whole_folder(place):
        pass
    with pytest.raises(ZeroDivisionError), whole_folder(place, replace=True) as making:
        raise ZeroDivisionError(making)
    assert content(place) == ["a"]
    with whole_folder(place, replace=True) as making:
        (making / "b").write_text("whole again")
    assert content(place) == ["b"]
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(FileExistsError), whole_folder(tmp_path / "link"):
        pass


class Killed(BaseException):
    """Stands for a SIGKILL."""


def test_only_what_was_made_here_counts_as_remains(tmp_path: Path):
    for name in ("a", "b"):
        with pytest.raises(Killed):
            half_a_folder(tmp_path / name, Killed)
    with pytest.raises(Killed):
        half_a_file(tmp_path / "c", Killed)
    ours = set(content(tmp_path))
    lookalike = unused_name(tmp_path)  # the name is right, and nothing says that facezoo made it
    (lookalike / "precious").mkdir(parents=True)
    copied = unused_name(tmp_path)  # somebody's copy of remains, with the mark of another
    copied.mkdir()
    (copied / MARK).write_text("0" * 32)
    link = unused_name(tmp_path)
    link.symlink_to(lookalike)
    for name in (".facezoo-1.tmp", ".step-5.tmp", f"x{lookalike.name}"):
        (tmp_path / name).mkdir()
    theirs = set(content(tmp_path)) - ours
    clear_remains(tmp_path, idle=60)
    assert ours <= set(content(tmp_path)), "somebody may still be at it"
    clear_remains(tmp_path)
    assert set(content(tmp_path)) == theirs


@pytest.mark.parametrize("call", range(1, 9))
def test_a_folder_is_discarded_at_one_stroke(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: int):
    folder = tmp_path / "folder"
    (folder / "inner").mkdir(parents=True)
    for name in ("a", "b", "inner/c"):
        (folder / name).touch()
    whole, made = content(folder), 0
    with monkeypatch.context() as patch:
        for name in ("rename", "unlink", "rmdir"):
            original = getattr(os, name)

            def counted(*args, original=original, **kwargs):
                nonlocal made
                made += 1
                if made == call:
                    raise Killed
                return original(*args, **kwargs)

            patch.setattr(os, name, counted)
        with suppress(Killed):
            discard(folder)
    assert not folder.exists() or set(whole) <= set(content(folder))
    clear_remains(tmp_path)
    assert {place.name for place in tmp_path.iterdir()} <= {"folder"}


def test_a_link_is_not_followed_to_what_it_names(tmp_path: Path):
    (tmp_path / "precious").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "precious")
    with pytest.raises(NotADirectoryError):
        discard(tmp_path / "link")
    (tmp_path / "file").touch()
    with pytest.raises(FacezooError, match="cannot be claimed for writing"):
        claim(tmp_path / "file", "writing").__enter__()
    assert content(tmp_path) == ["file", "link", "precious"]


def test_what_cannot_be_appended_whole_is_not_appended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    append(tmp_path / "rows", b"one")
    append(tmp_path / "rows", b"two")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            append(tmp_path / "rows", b"three")
    assert (tmp_path / "rows").read_bytes() == b"onetwo"
    (tmp_path / "link").symlink_to(tmp_path / "rows")
    with pytest.raises(OSError, match="symbolic link"):
        append(tmp_path / "link", b"four")
    assert (tmp_path / "rows").read_bytes() == b"onetwo"


def test_a_second_claim_says_what_the_first_one_is_doing(tmp_path: Path):
    held = claim(tmp_path, "embedding")
    with held, pytest.raises(ClaimedError, match="another process is embedding there"):
        claim(tmp_path, "embedding").__enter__()


SEALED = {"images": 3, "reasons": {"5": "empty file", "7": "\udce9 and ö"}, "sizes": [1, 2.5, None, True]}


def test_a_seal_is_kept_and_says_what_was_said(tmp_path: Path):
    write_sealed(tmp_path / "a.json", SEALED)
    assert read_sealed(tmp_path / "a.json") == SEALED


@given(where=st.integers(0, 10**6), bit=st.integers(0, 7))
def test_no_flipped_bit_of_sealed_json_is_taken_for_content(tmp_path_factory, where: int, bit: int):
    path = tmp_path_factory.getbasetemp() / "sealed.json"
    write_sealed(path, SEALED)
    damaged = bytearray(path.read_bytes())
    damaged[where % len(damaged)] ^= 1 << bit
    path.write_bytes(damaged)
    try:
        found = read_sealed(path)
    except ValueError:
        return
    assert found == SEALED, "white space may change"


def test_what_was_written_before_there_were_seals_is_told_apart(tmp_path: Path):
    (tmp_path / "a.json").write_text(json.dumps(SEALED))
    assert read_perhaps_sealed(tmp_path / "a.json") == (SEALED, False)
    write_sealed(tmp_path / "a.json", SEALED)
    assert read_perhaps_sealed(tmp_path / "a.json") == (SEALED, True)
    (tmp_path / "a.json").write_text((tmp_path / "a.json").read_text().replace("3", "4"))
    with pytest.raises(ValueError, match="is damaged"):
        read_perhaps_sealed(tmp_path / "a.json")


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "3", "[" * 100_000, '{"sha256": "0"}', "9" * 5000, json.dumps(SEALED)]
)
def test_what_is_not_sealed_is_refused(tmp_path: Path, text: str):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(ValueError, match=r"a\.json is damaged|Expecting|Exceeds"):
        read_sealed(tmp_path / "a.json")
    with pytest.raises(ValueError, match="is no file of facezoo's"):
        read_sealed(tmp_path)
