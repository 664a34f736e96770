"""Font files: which are found, which characters they really have, and which draw alike."""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest
from fontTools.ttLib import TTCollection, TTFont

from facezoo import FacezooError
from facezoo_glyphs import index
from facezoo_glyphs.coverage import SHARED, covered
from facezoo_glyphs.designs import designs
from facezoo_glyphs.drawing import NoGlyphError, Pen
from facezoo_glyphs.fonts import font_files
from facezoo_glyphs.index import library
from facezoo_glyphs.scripts import check_script, is_character, of_script


def text(codes):
    return "".join(map(chr, codes.tolist()))


@pytest.mark.parametrize("cff", [False, True], ids=["truetype", "postscript"])
def test_tofu_is_no_glyph(tmp_path, write_font, cff):
    box = [(100, 0), (100, 700), (600, 700), (600, 0)]  # as .notdef draws it
    shapes = {"D": [], "E": box}
    path = write_font(tmp_path / "some.otf", "ABC", shapes=shapes, cff=cff)
    assert text(covered(TTFont(path, lazy=True))) == "ABC"
    pen = Pen(path, 0, 52)
    assert pen.draw(ord("A")).getbbox()
    for character, what in (("D", "nothing"), ("Z", "a placeholder")):
        with pytest.raises(NoGlyphError, match=f"draws {what}"):
            pen.draw(ord(character))


def test_a_glyph_that_many_characters_share_is_a_placeholder(tmp_path, write_font):
    cross = [(0, 0), (400, 900), (800, 0)]
    few, many = "abcdefghijkl"[: SHARED - 1], "abcdefghijkl"[:SHARED]
    for shared, there in ((few, few + "A"), (many, "A")):
        path = write_font(tmp_path / "some.ttf", "A", shapes=dict.fromkeys(shared, cross))
        assert set(text(covered(TTFont(path, lazy=True)))) == set(there)


def test_characters_are_letters_that_stand_alone():
    assert all(map(is_character, map(ord, "A一가ñ々")))
    assert not any(map(is_character, map(ord, "1 .\uff21\uf900\u2f00\u1100\u0308\u00aa")))


def test_scripts_have_the_names_that_unicode_gives_them():
    codes = np.array(sorted(map(ord, "aя一가あ")))
    assert [text(of_script(codes, script)) for script in ("han", "hangul", "latin", "cyrillic")] == list(
        "一가aя"
    )
    assert check_script("Old Italic") == "old italic"
    with pytest.raises(FacezooError, match="did you mean 'hangul'"):
        check_script("hangull")
    with pytest.raises(FacezooError, match="'common'"):
        check_script("common")


def test_every_font_file_is_found_once(tmp_path, fonts):
    (fonts / "deep" / "er").mkdir(parents=True)
    shutil.copy(fonts / "style0.ttf", fonts / "deep" / "er" / "COPY.TTF")
    (fonts / "link.ttf").symlink_to(fonts / "style0.ttf")
    (fonts / "notes.txt").touch()
    (fonts / "folder.ttf").mkdir()
    found = font_files([fonts, fonts / "deep"])
    assert [path.name for path in found] == ["COPY.TTF", "style0.ttf", "style1.ttf", "style2.ttf"]
    with pytest.raises(FacezooError, match="nowhere: cannot be listed"):
        font_files([tmp_path / "nowhere"])


def test_a_collection_has_several_faces(tmp_path, write_font):
    collection = TTCollection()
    collection.fonts = [TTFont(write_font(tmp_path / f"{n}.ttf", "ABC"[: n + 1])) for n in range(2)]
    (tmp_path / "both").mkdir()
    collection.save(tmp_path / "both" / "both.ttc")
    first, second = library([tmp_path / "both"]).faces
    assert (first.number, text(first.codes), second.number, text(second.codes)) == (0, "A", 1, "AB")
    assert first.sha256 == second.sha256


def test_what_cannot_be_used_is_told_with_its_reason(tmp_path, fonts, write_font):
    (fonts / "damaged.ttf").write_bytes((fonts / "style0.ttf").read_bytes()[:900])
    (fonts / "empty.otf").touch()
    bitmaps = TTFont(write_font(fonts / "bitmaps.ttf", "ABC"))
    del bitmaps["glyf"], bitmaps["loca"]
    bitmaps.save(fonts / "bitmaps.ttf")
    for _ in range(2):  # as read, and as the index has it
        found = library([fonts])
        told = {Path(item.path).name: item.reason for item in found.left_out}
        assert len(found.faces) == 3
        assert set(told) == {"damaged.ttf", "empty.otf", "bitmaps.ttf"}
        assert told["bitmaps.ttf"] == "no outlines, only pictures of one size"
        assert all(told.values())


def test_files_that_draw_alike_are_one_design(fonts, write_font):
    write_font(fonts / "wider.ttf", "ABCDEFGHIJKLMN", 1, width=1300)  # more characters, and other widths
    write_font(fonts / "partly.ttf", "ABCDEFGHIJKL", 7, shapes={})
    found = designs(library([fonts]).faces, "latin")
    assert next([face.name for face in design.faces] for design in found) == ["wider", "style1"]
    assert sorted(len(design.faces) for design in found) == [1, 1, 1, 2]
    assert text(found[0].codes) == "ABCDEFGHIJKLMN"


def test_a_design_has_the_characters_of_all_its_files(tmp_path, write_font):
    write_font(tmp_path / "fonts" / "many.ttf", "ABCDEFG", 1)
    write_font(tmp_path / "fonts" / "other.ttf", "EFGXY", 1)
    (design,) = designs(library([tmp_path / "fonts"]).faces, "latin")
    assert text(design.codes) == "ABCDEFGXY"
    drawing = design.drawing(np.array([ord("A"), ord("G"), ord("X")]))
    assert [design.faces[face].name for face in drawing] == ["many", "many", "other"]


def test_font_files_are_read_once_until_they_change(fonts, write_font, monkeypatch):
    read = []
    monkeypatch.setattr(
        index, "faces_of", lambda path, faces_of=index.faces_of: read.append(path) or faces_of(path)
    )
    before = library([fonts]).faces
    again = library([fonts]).faces
    assert len(read) == 3
    assert [face.sha256 for face in again] == [face.sha256 for face in before]
    assert all(
        np.array_equal(a.codes, b.codes) and np.array_equal(a.pictures, b.pictures)
        for a, b in zip(before, again, strict=False)
    )
    write_font(fonts / "style1.ttf", "ABC", 5)
    assert len(library([fonts]).faces[1].codes) == 3
    assert [path.name for path in read[3:]] == ["style1.ttf"]


def test_a_damaged_index_is_made_anew(fonts):
    library([fonts])
    for entry in index.cache_home().rglob("*.safetensors"):
        entry.write_bytes(entry.read_bytes()[:50])
    assert len(library([fonts]).faces) == 3


def test_an_index_that_cannot_be_written_is_told(fonts):
    index.cache_home().parent.mkdir()
    index.cache_home().touch()  # a file where the folder should be
    with pytest.warns(UserWarning, match="fonts are read again each time"):
        assert len(library([fonts]).faces) == 3
    index.cache_home().unlink()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        library([fonts])
