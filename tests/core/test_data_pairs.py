"""Pairs and their images: which image a name means, and what becomes of those that are not there."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facezoo import FacezooError
from facezoo.data import read_pairs
from support.faces import real_data
from support.scored import open_pairs

VIEW_2 = "2\t1\nAnna\t1\t4\nAnna\t2\tBo Li\t13\nBo Li\t2\t3\nBo Li\t1\tAnna\t4\n"
MEMORY = 2**30


def written(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_text(text, encoding=encoding)
    return path


def images(root: Path, *paths: str) -> Path:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (16, 16), (len(path), 0, 0)).save(root / path)
    return root


@pytest.mark.parametrize("folder", ["", "images/"])
def test_images_are_found_beside_the_file_whatever_their_ending(tmp_path: Path, folder: str):
    paths = [f"Anna/Anna_000{n}.{ending}" for n, ending in ((1, "jpg"), (2, "png"), (4, "jpg"))]
    paths += [f"Bo Li/Bo Li_{n:04d}.jpg" for n in (1, 2, 3, 13)]
    images(tmp_path, *(folder + path for path in paths))
    test = open_pairs(str(written(tmp_path / "pairs.txt", VIEW_2)), "auto", "orl", 16, MEMORY)
    assert test is not None
    assert test.pairs.same.tolist() == [True, False, True, False]
    assert test.pairs.fold is not None
    assert test.pairs.fold.tolist() == [0, 0, 1, 1]
    found = test.store.images.names
    assert [(found[a], found[b]) for a, b in zip(test.pairs.left, test.pairs.right, strict=True)] == [
        ("Anna/Anna_0001.jpg", "Anna/Anna_0004.jpg"),
        ("Anna/Anna_0002.png", "Bo Li/Bo Li_0013.jpg"),
        ("Bo Li/Bo Li_0002.jpg", "Bo Li/Bo Li_0003.jpg"),
        ("Bo Li/Bo Li_0001.jpg", "Anna/Anna_0004.jpg"),
    ]


def test_images_elsewhere_are_named_by_a_setting_and_by_either_form_of_a_name(tmp_path: Path):
    decomposed = unicodedata.normalize("NFD", "é")
    root = images(tmp_path / "faces", f"{decomposed}/1.png", "b/1.png")
    file = written(tmp_path / "p.csv", "a,b,same\né/1.png,./b/1.png,0\n")
    test = open_pairs(str(file), str(root), "orl", 16, MEMORY)
    assert test is not None
    assert test.pairs.fold is None
    assert test.store.images.names == (f"{decomposed}/1.png", "b/1.png")
    with pytest.raises(FacezooError, match=r"2 of its images are not there, such as 'é/1.png'") as error:
        open_pairs(str(file), "auto", "orl", 16, MEMORY)
    assert "evaluate.images" in error.value.hint


def test_a_pair_with_an_unreadable_image_is_an_error(tmp_path: Path):
    images(tmp_path, "a/1.png", "b/1.png")
    (tmp_path / "b" / "1.png").write_bytes(b"")
    file = written(tmp_path / "p.csv", "a,b,same\na/1.png,b/1.png,0\n")
    with pytest.raises(FacezooError, match=r"b/1\.png: empty file"):
        open_pairs(str(file), "auto", "orl", 16, MEMORY)


def test_a_folder_of_pairs_has_its_list_under_the_usual_name(tmp_path: Path):
    images(tmp_path, "a/1.png", "b/1.png")
    written(tmp_path / "pairs.csv", "a,b,same\na/1.png,b/1.png,0\n")
    test = open_pairs(str(tmp_path), "auto", "orl", 16, MEMORY)
    assert test is not None
    assert test.name == f"{tmp_path.name}/pairs.csv"
    with pytest.raises(FacezooError, match=r"images folder .*nowhere: does not exist") as error:
        open_pairs(str(tmp_path), str(tmp_path / "nowhere"), "orl", 16, MEMORY)
    assert "evaluate.images" in error.value.hint


@pytest.mark.parametrize(("pairs", "data"), [("none", "orl"), ("auto", "some/folder")])
def test_no_pairs(pairs: str, data: str):
    assert open_pairs(pairs, "auto", data, 16, MEMORY) is None


@pytest.mark.parametrize(
    ("name", "count", "folds"),
    [("pairs.txt", 6000, 10), ("pairsDevTrain.txt", 2200, 0), ("pairsDevTest.txt", 1000, 0)],
)
def test_lfws_own_lists(name: str, count: int, folds: int):
    pairs = read_pairs(real_data("lfw") / name)
    assert len(pairs) == count
    assert sum(pair.same for pair in pairs) == count // 2
    if folds:
        assert np.bincount([pair.fold for pair in pairs]).tolist() == [count // folds] * folds
    else:
        assert {pair.fold for pair in pairs} == {None}


def test_absolute_names_are_taken_as_they_are(tmp_path: Path):
    root = images(tmp_path / "faces", "a/1.png", "b/1.png")
    file = written(tmp_path / "p.csv", f"a,b,same\n{root}/a/1.png,{root}/b/1.png,0\n")
    test = open_pairs(str(file), "auto", "orl", 16, MEMORY)
    assert test is not None
    assert test.store.fetch(np.array([1])).any()
