"""Fingerprints of what is in the files of a set."""

from __future__ import annotations

from pathlib import Path

import pytest

import facezoo.data.fingerprint as module
from facezoo.data.files import ImageFiles
from facezoo.data.fingerprint import content_of, fingerprint_of, same_data


def files(root: Path, count: int = 10) -> ImageFiles:
    """Files of one size whose bytes tell them apart."""
    root.mkdir(parents=True)
    paths = tuple(f"{number}.ppm" for number in range(count))
    for number, path in enumerate(paths):
        (root / path).write_bytes(bytes([number] * 5))
    return ImageFiles(root, paths)


def exchange(images: ImageFiles, one: int, two: int) -> None:
    first, second = (images.root / images.names[number] for number in (one, two))
    kept = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(kept)


def test_it_is_that_of_the_content_and_not_of_the_place(tmp_path: Path):
    one, two = files(tmp_path / "one"), files(tmp_path / "two")
    assert content_of(one) == content_of(two)
    assert (content_of(one).read, content_of(one).every) == (10, 1)
    exchange(two, 3, 7)
    assert content_of(one) != content_of(two)
    assert fingerprint_of(one) == fingerprint_of(two)
    exchange(two, 3, 7)
    (two.root / "9.ppm").write_bytes(b"longer than 5 bytes")
    assert content_of(one) != content_of(two)


def test_of_a_large_set_one_file_in_so_many_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "READ_AT_MOST", 4)
    images, read = files(tmp_path / "faces"), []
    monkeypatch.setattr(ImageFiles, "read", lambda self, image: read.append(image) or b"")
    found = content_of(images)
    assert (found.read, found.every) == (3, 3)
    assert sorted(read) == [1, 4, 7], "evenly spread"
    monkeypatch.undo()
    whole = content_of(images, 3)
    exchange(images, 1, 2)
    assert content_of(images, 3) != whole, "one in three neighbours is always read"


def test_a_file_that_cannot_be_read_is_no_error(tmp_path: Path):
    images = files(tmp_path / "faces")
    whole = content_of(images)
    (images.root / "3.ppm").unlink()
    assert content_of(images) != whole
    assert content_of(images) == content_of(images)


def test_data_are_compared_by_the_rule_that_was_used_then(tmp_path: Path):
    images = files(tmp_path / "faces")
    names = {"fingerprint": fingerprint_of(images)}
    all_of_it = {**names, "content": content_of(images).as_dict()}
    some = {**names, "content": content_of(images, 5).as_dict()}
    assert all(same_data(images, saved) for saved in (names, all_of_it, some))
    exchange(images, 2, 3)
    assert [same_data(images, saved) for saved in (names, all_of_it, some)] == [True, False, False]
    exchange(images, 2, 3)
    exchange(images, 3, 4)
    assert [same_data(images, saved) for saved in (names, all_of_it, some)] == [True, False, True]
