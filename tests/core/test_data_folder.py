"""The source `folder`: identity folders, one for each person."""

from __future__ import annotations

import os
import sys
import unicodedata
from pathlib import Path

import numpy as np
import pytest

from facezoo import FacezooError
from facezoo.data import LeftOut, read_folder
from facezoo.data.faces import printable
from facezoo.data.fingerprint import fingerprint_of
from facezoo.data.images import without
from support.faces import identity_folder


def touch(root: Path, *paths: str) -> Path:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(b"x")
    return root


def test_identities_and_images_are_sorted_by_name(tmp_path: Path):
    faces = read_folder(touch(tmp_path, "b b/2.png", "b b/10.JPG", "á/1.webp", "Z/9.pgm"))
    assert faces.identities == ("Z", "b b", "á")
    assert faces.names == ("Z/9.pgm", "b b/10.JPG", "b b/2.png", "á/1.webp")
    assert faces.labels.tolist() == [0, 1, 1, 2]
    assert faces.labels.dtype == np.int64
    assert faces.left_out == ()


def test_order_does_not_depend_on_how_names_are_composed(tmp_path: Path):
    composed, decomposed = "\u00e9", unicodedata.normalize("NFD", "\u00e9")
    assert composed != decomposed
    for name, form in (("one", composed), ("two", decomposed)):
        faces = read_folder(touch(tmp_path / name, f"{form}/1.png", "f/1.png", "z/1.png"))
        assert [unicodedata.normalize("NFC", identity) for identity in faces.identities] == [
            "f",
            "z",
            "\u00e9",
        ]


def test_what_is_not_used_is_named_with_its_reason(tmp_path: Path):
    root = touch(tmp_path, "a/1.png", "b/1.png", "b/notes.txt", "b/more/1.png", "stray.jpg", "list.csv")
    (root / "empty").mkdir()
    assert set(read_folder(root).left_out) == {
        LeftOut("b/notes.txt", "not an image by its name"),
        LeftOut("b/more", "a folder inside an identity's folder"),
        LeftOut("stray.jpg", "an image beside the identity folders, in none of them"),
        LeftOut("empty", "no image in this folder"),
    }


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([], "no identity folder with an image; it is empty"),
        (["mine.bin"], "no identity folder with an image; it holds no image and no folder"),
        (["1.jpg", "2.jpg"], "no identity folder with an image; it holds 2 other entries, such as 1.jpg"),
        (
            ["a/readme.txt"],
            "no identity folder with an image; it holds 2 other entries, such as a/readme.txt",
        ),
    ],
)
def test_a_folder_without_identities_is_an_error(tmp_path: Path, entries: list[str], message: str):
    with pytest.raises(FacezooError, match="one folder of images for each identity") as error:
        read_folder(touch(tmp_path, *entries))
    assert message in error.value.message


def test_a_folder_that_cannot_be_listed_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(path: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(FacezooError, match=r"cannot be listed \(Permission denied\)"):
        read_folder(tmp_path)


def test_an_identity_that_cannot_be_listed_is_an_error_and_not_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    root = touch(tmp_path, "a/1.png", "b/1.png", "c/1.png")
    plain = os.scandir

    def refuse(path: Path) -> object:
        if Path(path).name == "b":
            raise PermissionError(13, "Permission denied")
        return plain(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(FacezooError, match=r"/b: cannot be listed \(Permission denied\)"):
        read_folder(root)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse names that are not Unicode")
def test_names_that_are_no_unicode_are_read_and_can_be_printed(tmp_path: Path):
    name = os.fsdecode(b"caf\xe9")
    faces = read_folder(touch(tmp_path, f"{name}/1.png", "b/1.png"))
    assert printable(faces.names[1]) == r"caf\xe9/1.png"
    assert len(fingerprint_of(faces)) == 64


def test_the_fingerprint_is_that_of_the_data_and_not_of_its_place(tmp_path: Path):
    one, two = (read_folder(identity_folder(tmp_path / name)) for name in ("one", "two"))
    assert fingerprint_of(one) == fingerprint_of(two)
    (tmp_path / "two" / "person 0" / "0.png").write_bytes(b"another length")
    assert fingerprint_of(one) != fingerprint_of(two)


def test_unreadable_images_are_taken_out_with_identities_left_empty(tmp_path: Path):
    faces = read_folder(touch(tmp_path, "a/1.png", "a/2.png", "b/1.png", "c/1.png"))
    kept = without(faces, {0: "truncated", 2: "empty file"})
    assert kept.names == ("a/2.png", "c/1.png")
    assert tuple(kept.identities) == ("a", "c")
    assert kept.labels.tolist() == [0, 1]
    assert list(map(str, kept.left_out)) == [
        "a/1.png: truncated",
        "b/1.png: empty file",
        "b: no image of this identity can be read",
    ]
