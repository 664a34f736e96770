"""Which files lie below a folder: the same in every door, each once, and nothing skipped without a word."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest

from facezoo import FacezooError
from facezoo.data import LeftOut, read_folder
from facezoo.data.faces import Why
from facezoo.data.folder import find_images
from facezoo.data.walk import LITTER, walk

links = pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")


def touch(root: Path, *paths: str) -> Path:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(b"x")
    return root


def link(place: Path, target: str) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(target)


def everywhere(root: Path) -> tuple[str, ...]:
    """The images in every door; they agree."""
    trained = read_folder(root).names
    assert sorted(trained) == sorted(find_images(root).names)
    return trained


@links
def test_links_to_identity_folders_are_followed_in_every_door(tmp_path: Path):
    touch(tmp_path / "people", "p0/1.png", "p1/1.png", "p2/1.png")
    for name in ("p0", "p2"):
        link(tmp_path / "split" / name, f"../people/{name}")
    assert everywhere(tmp_path / "split") == ("p0/1.png", "p2/1.png")
    touch(tmp_path / "split", "own/1.png")
    assert everywhere(tmp_path / "split") == ("own/1.png", "p0/1.png", "p2/1.png")


@links
def test_each_folder_counts_once_and_under_its_own_name(tmp_path: Path):
    root = touch(tmp_path, "b/1.png", "c/1.png")
    for name, target in (("a", "b"), ("d", "c"), ("all", "."), ("latest", ".")):
        link(root / name, target)
    assert everywhere(root) == ("b/1.png", "c/1.png")
    assert read_folder(root).left_out == (
        LeftOut("a", "leads to b, which is there already"),
        LeftOut("all", "leads to the whole folder, which is there already"),
        LeftOut("d", "leads to c, which is there already"),
        LeftOut("latest", "leads to the whole folder, which is there already"),
    )


@links
def test_two_links_to_one_folder_elsewhere_count_once(tmp_path: Path):
    touch(tmp_path / "people", "p/1.png", "p/deep/2.png")
    root = touch(tmp_path / "split", "own/1.png")
    link(root / "y", "../people/p")
    link(root / "x", "../people/p")
    link(tmp_path / "people" / "p" / "deep" / "back", "..")
    assert find_images(root).names == ("own/1.png", "x/1.png", "x/deep/2.png")
    assert [item.path for item in find_images(root).left_out] == ["x/deep/back", "y"]


@links
def test_a_link_further_up_does_not_count_the_folder_again(tmp_path: Path):
    root = touch(tmp_path / "beside" / "root", "a/1.png")
    touch(tmp_path / "beside", "b/2.png")
    link(root / "a" / "up", "../..")
    assert find_images(root).names == ("a/1.png", "a/up/b/2.png")
    assert find_images(root).left_out == (
        LeftOut("a/up/root", "leads to the whole folder, which is there already"),
    )


@links
def test_links_that_lead_nowhere_are_named(tmp_path: Path):
    root = touch(tmp_path, "a/1.png", "b/1.png")
    link(root / "a" / "z.png", "nowhere")
    link(root / "gone", "nowhere")
    link(root / "self", "self")
    assert everywhere(root) == ("a/1.png", "b/1.png")
    nowhere = "a link that leads nowhere"
    assert read_folder(root).left_out[:2] == (LeftOut("a/z.png", nowhere), LeftOut("gone", nowhere))
    assert "self: cannot be looked at" in str(read_folder(root).left_out[2])
    assert set(find_images(root).left_out) == set(read_folder(root).left_out)


def test_hidden_names_and_litter_are_passed_over_and_counted(tmp_path: Path):
    hidden = (".ipynb_checkpoints/1-checkpoint.png", ".thumbnails/1.jpg", "a/._1.png", "a/.hidden.png")
    litter = ("__MACOSX/a/1.png", "a/@eaDir/1.png", "a/Thumbs.db", "b/desktop.ini")
    root = touch(tmp_path, "a/1.png", "b/1.png", *hidden, *litter, ".DS_Store")
    assert everywhere(root) == ("a/1.png", "b/1.png")
    assert read_folder(root).identities == ("a", "b")
    for left_out in (read_folder(root).left_out, find_images(root).left_out):
        assert len(left_out) == 9
        assert {item.reason for item in left_out} == {
            "hidden (a dot in front of its name)",
            "left behind by a system or a viewer",
        }
    assert all(name == name.lower() for name in LITTER)


def test_a_hidden_folder_may_be_named_itself(tmp_path: Path):
    assert everywhere(touch(tmp_path / ".cache", "a/1.png")) == ("a/1.png",)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes there")
def test_what_is_no_regular_file_is_named_and_never_opened(tmp_path: Path):
    root = touch(tmp_path, "a/1.png", "b/1.png")
    os.mkfifo(root / "a" / "pipe.png")
    link(root / "a" / "null.png", "/dev/null")
    link(root / "a" / "to a pipe.png", "pipe.png")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(os.path.relpath(root / "b" / "s.png"))
        assert everywhere(root) == ("a/1.png", "b/1.png")
        assert list(map(str, read_folder(root).left_out)) == [
            "a/null.png: not a regular file but a device",
            "a/pipe.png: not a regular file but a named pipe",
            "a/to a pipe.png: not a regular file but a named pipe",
            "b/s.png: not a regular file but a socket",
        ]


@pytest.mark.parametrize("read", [read_folder, find_images])
@pytest.mark.parametrize("name", ["x" * 300, "nowhere"])
def test_a_folder_that_cannot_be_is_one_sentence(tmp_path: Path, read, name: str):
    with pytest.raises(FacezooError, match=r"cannot be listed \((File name too long|No such file)"):
        read(tmp_path / name)


def test_heic_comes_with_the_remedy(tmp_path: Path):
    root = touch(tmp_path, "a/IMG_1.HEIC", "a/raw.CR2", "a/old.ico", "b/notes.txt")
    with pytest.raises(FacezooError) as error:
        read_folder(root)
    assert "a/IMG_1.HEIC: HEIC, which Pillow does not read: convert it to JPEG or PNG" in error.value.message
    reasons = [item.reason for item in walk(root).left_out if item.why is Why.OTHER_FORMAT]
    assert reasons[1:] == [
        f"an image of a format that facezoo does not read ({ending}): convert it to JPEG or PNG"
        for ending in (".ico", ".cr2")
    ]


def test_the_order_is_that_of_names_whatever_the_system_gives(tmp_path: Path, monkeypatch):
    root = touch(tmp_path, "a/1.png", "a/2.png", "b/c/3.png", "b/1.png", "z.png")
    found = walk(root)
    plain = os.scandir

    class Backwards:
        def __init__(self, folder: Path) -> None:
            self.entries = list(plain(folder))[::-1]

        def __enter__(self):
            return iter(self.entries)

        def __exit__(self, *_) -> None: ...

    monkeypatch.setattr(os, "scandir", Backwards)
    assert walk(root) == found
    assert found.images == ("a/1.png", "a/2.png", "b/1.png", "b/c/3.png", "z.png")
    assert found.folders == ("a", "b", "b/c")
