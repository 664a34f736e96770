"""Checking a set of faces: what is found, and that everything is counted."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from PIL import Image

from facezoo import FacezooError
from facezoo.data import LeftOut, files, read_folder
from facezoo.data.folder import find_images
from facezoo_datacheck.check import check_faces
from support.faces import identity_folder, needs_orl, real_data
from support.pictures import source


def test_a_good_set_is_usable(tmp_path: Path):
    found = check_faces(str(identity_folder(tmp_path)))
    assert (found.images, found.identities, found.to_mend()) == (24, 4, [])
    assert found.sides == {(32, 32): 24}
    assert found.per_identity == {f"person {n}": 6 for n in range(4)}
    assert found.as_dict()["usable"] is True
    assert found.as_dict()["images_per_identity"] | {"each": 0} == {
        "min": 6,
        "median": 6,
        "max": 6,
        "each": 0,
    }


def test_every_file_is_in_one_of_three_lists(tmp_path: Path):
    root = identity_folder(tmp_path)
    (root / "person 0" / "0.png").write_bytes(b"")
    (root / "person 0" / "1.png").write_bytes((root / "person 0" / "1.png").read_bytes()[:300])
    (root / "person 1" / "text.jpg").write_text("a text")
    (root / "person 1" / "notes.txt").touch()
    found = check_faces(str(root))
    assert [item.path for item in found.unreadable] == [
        "person 0/0.png",
        "person 0/1.png",
        "person 1/text.jpg",
    ]
    assert found.unreadable[0] == LeftOut("person 0/0.png", "empty file")
    assert found.left_out == (LeftOut("person 1/notes.txt", "not an image by its name"),)
    files = sum(path.is_file() for path in root.rglob("*"))
    assert found.images + len(found.unreadable) + len(found.left_out) == files
    assert found.to_mend() == ["3 unreadable images"]


def test_an_identity_without_a_readable_image_is_counted_as_none(tmp_path: Path):
    root = identity_folder(tmp_path, identities=2, images=1)
    (root / "person 1" / "0.png").write_bytes(b"")
    found = check_faces(str(root))
    assert (found.identities, found.per_identity) == (1, {"person 0": 1, "person 1": 0})
    assert found.to_mend() == ["1 unreadable image", "1 identity; a loss tells at least two apart"]


def test_identical_images_across_identities_and_within(tmp_path: Path):
    root = identity_folder(tmp_path)
    shutil.copy(root / "person 0" / "0.png", root / "person 2" / "copy.png")
    shutil.copy(root / "person 0" / "0.png", root / "person 3" / "copy.png")
    shutil.copy(root / "person 1" / "5.png", root / "person 1" / "copy.png")
    for empty in ("person 1/a.png", "person 2/b.png"):  # the same bytes, but no images
        (root / empty).touch()
    found = check_faces(str(root))
    assert [group.paths for group in found.across] == [
        ("person 0/0.png", "person 2/copy.png", "person 3/copy.png")
    ]
    assert [group.paths for group in found.within] == [("person 1/5.png", "person 1/copy.png")]
    assert found.to_mend() == [
        "2 unreadable images",
        "byte-identical images under 3 different identities",
    ]


def test_images_that_are_not_square_are_listed(tmp_path: Path):
    root = identity_folder(tmp_path)
    Image.new("RGB", (40, 32)).save(root / "person 0" / "0.png")
    found = check_faces(str(root))
    assert found.other_aspect == (LeftOut("person 0/0.png", "40 x 32 pixels"),)
    assert found.to_mend() == ["1 image that is not square"]


def test_the_orl_faces_are_as_they_should_be():
    needs_orl()
    found = check_faces("orl")
    assert (found.images, found.identities, found.to_mend()) == (300, 30, [])
    assert found.sides == {(92, 112): 300}


def other(root: Path) -> Path:
    """A folder nested more deeply, which shares a person by name and two images by bytes."""
    faces = identity_folder(root.with_name("source"))
    for name in ("person 1/0.png", "person 2/3.png"):
        target = root / "Data" / "Images" / name.replace("person ", "00").replace("3.png", "renamed.png")
        target.parent.mkdir(parents=True)
        shutil.copy(faces / name, target)
    (root / "Data" / "Images" / "PERSON_3").mkdir()
    Image.new("RGB", (8, 8)).save(root / "Data" / "Images" / "PERSON_3" / "4.jpg")
    return root


def test_what_also_stands_in_the_other_set(tmp_path: Path):
    found = check_faces(str(identity_folder(tmp_path / "faces")), str(other(tmp_path / "test")))
    overlap = found.overlap
    assert overlap is not None
    assert overlap.images == 3
    assert overlap.identities == (("person 3", "PERSON_3"),)
    assert overlap.same_name == (("person 3/4.png", "Data/Images/PERSON_3/4.jpg"),)
    assert overlap.same_bytes == (
        ("person 1/0.png", "Data/Images/001/0.png"),
        ("person 2/3.png", "Data/Images/002/renamed.png"),
    )
    assert found.to_mend() == [
        f"identities by name that also stand in {tmp_path / 'test'}: 1",
        f"images by bytes that also stand in {tmp_path / 'test'}: 2",
    ]


def test_names_that_are_numbers_say_nothing(tmp_path: Path):
    one, two = identity_folder(tmp_path / "one"), tmp_path / "two" / "007"
    (one / "person 0").rename(one / "007")
    two.mkdir(parents=True)
    Image.new("RGB", (8, 8)).save(two / "0.png")
    overlap = check_faces(str(one), str(two.parent)).overlap
    assert overlap is not None
    assert (overlap.identities, overlap.numbers, overlap.same_name) == ((), ("007",), ())
    assert overlap.to_mend() == []


def test_what_cannot_be_compared_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    root, test = identity_folder(tmp_path / "faces"), identity_folder(tmp_path / "test")
    plain_read, plain_scan = files.read_file, os.scandir

    def read(path: Path) -> bytes:
        if path == test / "person 0" / "0.png":
            raise PermissionError(13, "Permission denied")
        return plain_read(path)

    def scan(path: str | Path) -> object:
        if Path(path) == test / "person 1":
            raise PermissionError(13, "Permission denied", str(path))
        return plain_scan(path)

    monkeypatch.setattr(files, "read_file", read)
    monkeypatch.setattr(os, "scandir", scan)
    overlap = check_faces(str(root), str(test)).overlap
    assert overlap is not None
    assert [str(item) for item in overlap.unreadable] == [
        "person 1: cannot be listed (Permission denied)",
        "person 0/0.png: cannot be read (Permission denied)",
    ]
    assert "could not be compared: 2" in overlap.to_mend()[-1]


@pytest.mark.parametrize("against", ["nowhere", "empty"])
def test_nothing_to_compare_with_is_an_error(tmp_path: Path, against: str):
    (tmp_path / "empty").mkdir()
    with pytest.raises(FacezooError, match=f"{against}: (does not exist|holds no image)"):
        check_faces(str(identity_folder(tmp_path / "faces")), str(tmp_path / against))


@pytest.mark.slow
def test_the_real_set_decodes_and_shares_nothing_with_lfw():
    """A part of it, so as to be quick: the whole takes seconds on the command line."""
    root = real_data("train")
    found = check_faces(str(root), str(real_data("lfw") / "images" / "Abel_Pacheco"))
    assert (found.images, found.identities, len(found.unreadable)) == (18_513, 742, 0)
    assert len(found.across) == 7, "known: one person under four numbers"
    assert found.overlap is not None
    assert found.overlap.to_mend() == []


def test_two_identities_are_enough(tmp_path: Path):
    assert check_faces(str(identity_folder(tmp_path / "faces", identities=2))).to_mend() == []


def test_litter_makes_no_set_unusable(tmp_path: Path):
    root = identity_folder(tmp_path)
    for n in range(6):
        shutil.copy(root / "person 1" / f"{n}.png", root / "person 1" / f"._{n}.png")
    (root / "person 0" / "Thumbs.db").touch()
    found = check_faces(str(root), str(root / "person 3"))
    assert (found.images, len(found.left_out), found.within) == (24, 7, ())
    assert not any("unreadable" in text for text in found.to_mend())


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes there")
def test_the_other_folder_holds_what_training_would_find_there(tmp_path: Path):
    root = identity_folder(tmp_path / "faces", identities=2, images=1)
    (root / ".hidden").mkdir()
    os.mkfifo(root / "person 0" / "pipe.png")
    (root / "again").symlink_to("person 1")
    overlap = check_faces(str(root), str(root)).overlap
    assert overlap is not None
    assert [item.path for item in overlap.unreadable] == ["person 0/pipe.png"]
    assert sorted(item.path for item in overlap.passed_over) == [".hidden", "again"]
    assert {*overlap.unreadable, *overlap.passed_over} == set(read_folder(root).left_out)
    assert (overlap.images, find_images(root).names) == (2, read_folder(root).names)


@pytest.mark.parametrize("name", ["x" * 300, "nowhere"])
def test_another_folder_that_cannot_be_is_one_sentence(tmp_path: Path, name: str):
    root = str(identity_folder(tmp_path / "faces", identities=2, images=1))
    with pytest.raises(FacezooError, match="does not exist"):
        check_faces(root, str(tmp_path / name))


@pytest.mark.parametrize("rest", ["", ":pipe"])
def test_images_of_any_source_are_checked_and_compared(rest: str, with_installed):
    with_installed(source("facezoo-checked"))
    found = check_faces(f"rendered{rest}", against="rendered:pipe")
    assert (found.images, found.identities, found.sides, found.to_mend()[:1]) == (
        12,
        3,
        {(20, 20): 12},
        ["identities by name that also stand in rendered:pipe: 3"],
    )
    assert found.overlap is not None
    assert len(found.overlap.same_bytes) == (12 if rest else 0), "pixels are no encoded files"
