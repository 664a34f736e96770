"""Which image a name means: one rule in every door, and what is told of names that mean none."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from facezoo import FacezooError
from facezoo.data.finder import Finder, Lookup, from_common_folder
from facezoo.data.names import stem, tidy
from support.scored import open_pairs

COMPOSED, DECOMPOSED = (unicodedata.normalize(form, "José") for form in ("NFC", "NFD"))


def files(root: Path, *paths: str) -> Path:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch()
    return root


def both(root: Path, paths: list[str], name: str) -> str | None:
    """What a name means among files, and among the paths of embeddings: the same."""
    files(root, *paths)
    found = Finder(root)(name)
    assert Lookup(paths)(name) == found
    return found


@pytest.mark.parametrize(
    ("there", "name", "found"),
    [
        (["x/a.jpg"], "x/a.jpg", "x/a.jpg"),
        (["x/a.jpg"], "x/a", "x/a.jpg"),
        (["x/a.jpg"], "x/a.png", "x/a.jpg"),
        (["x/a.JPG"], "x/a.jpg", "x/a.JPG"),
        (["x/a.png"], "x/a.heic", "x/a.png"),
        (["x/a"], "x/a.jpg", "x/a"),
        (["x/a.png", "x/a.cr2"], "x/a", "x/a.png"),
        (["x/a.heic"], "x/a.heic", "x/a.heic"),
        (["x/a.jpg.png"], "x/a.jpg", "x/a.jpg.png"),
        (["x/a.jpg", "x/a.png"], "x/a.png", "x/a.png"),
        (["x/a.jpg", "x/a.jpg.png"], "x/a.jpg", "x/a.jpg"),
        (["x/J._Smith.jpg"], "x/J._Smith", "x/J._Smith.jpg"),
        (["x/m.0abc.jpg"], "x/m.0xyz", None),
        (["x/a.jpg"], "x\\a.jpg", "x/a.jpg"),
        (["x/a.jpg"], "./x//a.jpg", "x/a.jpg"),
        (["x/a.jpg", "y/b.jpg"], "y/../x/a.jpg", "x/a.jpg"),
        ([f"{DECOMPOSED}/a.jpg"], f"{COMPOSED}/a.jpg", f"{DECOMPOSED}/a.jpg"),
        ([f"{DECOMPOSED}/{COMPOSED}.jpg"], f"{COMPOSED}/{DECOMPOSED}.png", f"{DECOMPOSED}/{COMPOSED}.jpg"),
        (["x/A.jpg"], "x/a.jpg", None),
        (["x/a_0.jpg"], "x/a.jpg", None),
        (["x/a.txt"], "x/a.jpg", None),
        (["x/._a.jpg"], "x/._a.jpg", None),
        (["x/._a.jpg", "x/.a.png"], "x/a", None),
        (["x/a.jpg"], "x", None),
        (["x/a.jpg"], "x/", None),
        (["x/a.jpg"], "..", None),
        (["x/a.jpg"], "", None),
    ],
)
def test_files_and_embeddings_answer_alike(tmp_path: Path, there: list[str], name: str, found: str | None):
    assert both(tmp_path, there, name) == found


@pytest.mark.parametrize("name", ["x/a", "x/a.webp"])
def test_a_name_that_may_mean_two_images_is_refused_by_both(tmp_path: Path, name: str):
    there = ["x/a.jpg", "x/a.png", "x/b.jpg"]
    for find in (Finder(files(tmp_path, *there)), Lookup(there)):
        with pytest.raises(FacezooError, match=rf"'{name}' may mean 'x/a.jpg' and 'x/a.png'"):
            find(name)


PARTS = st.lists(st.sampled_from(["a", ".", "_0", "é", "e\u0301", "A"]), min_size=1, max_size=3).map("".join)
FILES = st.tuples(PARTS, st.sampled_from(["", ".jpg", ".JPG", ".png", ".txt"])).map("".join)


@given(st.sets(FILES.filter(lambda name: name.strip(".")), max_size=4), FILES)
def test_any_name_means_the_same_in_both(tmp_path_factory, there: set[str], name: str):
    root = tmp_path_factory.mktemp("faces")
    paths = [f"x/{file}" for file in sorted(there)]
    files(root, *paths)

    def asked(find: Finder | Lookup) -> str | None:
        try:
            return find(f"x/{name}")
        except FacezooError as error:
            return error.message

    if stem(name).strip("."):  # else it is a folder's name
        assert asked(Finder(root)) == asked(Lookup(paths))
    assert isinstance(Finder(root).near(f"x/{name}"), str)


def test_of_two_forms_of_a_name_each_is_found_by_its_own(tmp_path: Path):
    files(tmp_path, f"x/{COMPOSED}.jpg", f"x/{DECOMPOSED}.jpg", f"{COMPOSED}/1.jpg", f"{DECOMPOSED}/2.jpg")
    if len(list((tmp_path / "x").iterdir())) < 2:
        pytest.skip("this file system takes both forms for one")
    find = Finder(tmp_path)
    assert find(f"x/{COMPOSED}.jpg") == f"x/{COMPOSED}.jpg"
    assert find(f"{DECOMPOSED}/2.jpg") == f"{DECOMPOSED}/2.jpg"
    assert find(f"{DECOMPOSED}/1.jpg") is None


@pytest.mark.parametrize(
    ("there", "name", "words"),
    [
        ("x/a_0.png", "x/a.jpg", "in 'x' 'a_0.png' is there, which differs by '_0' behind the name"),
        ("x/A.jpg", "x/a.jpg", "in 'x' 'A.jpg' is there, which differs in upper and lower case"),
        (
            "x/a_1.jpg",
            "x/a_0001.jpg",
            "in 'x' 'a_1.jpg' is there, which differs in the zeros before a number",
        ),
        ("x/a.txt", "x/a.jpg", "in 'x' 'a.txt' is there, which differs in the ending"),
        ("a.jpg", "x/a.jpg", "'a.jpg' is there, in another folder"),
        ("x/a.jpg", "set/x/a.jpg", "'x/a.jpg' is there, in another folder"),
        ("set/x/a.jpg", "x/a.png", "'set/x/a.jpg' is there, in another folder"),
        ("Anna/1.jpg", "Ana/2.jpg", "there is no folder 'Ana'; did you mean 'Anna'?"),
        ("x/a_10.jpg", "x/a_1.jpg", ""),
        ("x/a.jpg", "C:\\faces\\a.jpg", "it is a path of Windows"),
        ("x/a.jpg", f"x/{'y' * 300}.jpg", "it is longer than the 255 bytes that a file's name can have"),
    ],
)
def test_of_a_missing_image_it_is_told_what_is_there_instead(
    tmp_path: Path, there: str, name: str, words: str
):
    find = Finder(files(tmp_path, there))
    assert find(name) is None
    assert find.near(name) == words


def test_each_folder_is_listed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    files(tmp_path, "x/a.jpg", "y/a.jpg")
    listed: list[Path] = []
    scandir = os.scandir

    def noted(folder: Path) -> object:
        listed.append(folder)
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", noted)
    find = Finder(tmp_path)
    assert [find(f"x/{n}.jpg") for n in "abc"] == ["x/a.jpg", None, None]
    assert [find(f"no{n}/a.jpg") for n in range(100)] == [None] * 100
    assert len(listed) == 2


def test_of_a_missing_embedding_it_is_told_what_is_there_instead():
    find = Lookup(["x/a_0.png", "y/b.png"])
    assert find.near("x/a.jpg") == "'x/a_0.png' is there, which differs by '_0' behind the name"
    assert find.near("set/y/b.jpg") == "'y/b.png' is there, in another folder"
    assert find.near("z.jpg") == ""


def image(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (16, 16)).save(path)


@pytest.mark.parametrize("base", ["../faces", "{root}/faces", "../lists/../faces"])
def test_names_may_leave_the_folder_and_their_own_folder_declares_what_they_are(tmp_path: Path, base: str):
    for name in ("a/1.png", "b/1.png"):
        image(tmp_path / "faces" / name)
    (tmp_path / "lists").mkdir()
    base = base.format(root=tmp_path)
    list_ = tmp_path / "lists" / "pairs.csv"
    list_.write_text(f"a,b,same\n{base}/a/1.png,{base}/b/1.jpg,0\n")
    test = open_pairs(str(list_), "auto", "orl", 16, 2**30)
    assert test is not None
    assert test.store.images.names == ("a/1.png", "b/1.png")
    assert test.store.images.root.resolve() == tmp_path / "faces"


def test_the_common_folder_is_the_one_that_holds_the_identities():
    root = Path("lists")
    assert from_common_folder(root, ["../x/a/1.png", "../x/b/1.png"]) == (
        root / "../x",
        ("a/1.png", "b/1.png"),
    )
    assert from_common_folder(root, ["../x/a/1.png"]) == (root / "../x", ("a/1.png",))
    assert from_common_folder(root, ["/x/a/1.png", "/y/b.png"]) == (Path("/"), ("x/a/1.png", "y/b.png"))
    for paths in (["a/1.png", "../b/1.png"], ["/a/b/1.png", "../b/1.png"], ["../1.png", "../2.png"], []):
        assert from_common_folder(root, paths) == (root, tuple(paths))


def test_what_is_missing_is_told_with_where_it_was_looked_for(tmp_path: Path):
    image(tmp_path / "x" / "a_0.png")
    list_ = tmp_path / "pairs.csv"
    list_.write_text(f"a,b,same\nx/a.png,x/{'b' * 5000}.png,1\n")
    with pytest.raises(FacezooError) as error:
        open_pairs(str(list_), "auto", "orl", 16, 2**30)
    assert "2 of its images are not there, such as 'x/a.png' (looked in" in error.value.message
    assert "differs by '_0' behind the name" in error.value.message
    list_.write_text(f"a,b,same\n/{'b' * 5000}.png,x/a_0.png,1\n")
    with pytest.raises(FacezooError, match="longer than the 255 bytes") as error:
        open_pairs(str(list_), "auto", "orl", 16, 2**30)
    assert len(error.value.message) < 600


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("a\\b.png", "a/b.png"),
        ("./a//b/", "a/b"),
        ("a/../b", "b"),
        ("/srv/a", "/srv/a"),
        ("//srv/a", "/srv/a"),
    ],
)
def test_a_tidy_name_has_one_form(name: str, path: str):
    assert tidy(name) == path
