"""Lists of pairs: the forms that people have them in, and what is wrong told by line and column."""

from __future__ import annotations

import subprocess
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facezoo import FacezooError
from facezoo.benchmarks import Given
from facezoo.data import read_pairs
from facezoo.data.lists import lines as lines_module
from facezoo.data.lists import table
from facezoo.data.pairs import NamedPair, NamedPairs
from facezoo.evaluation.files import EmbeddingSet

VIEW_2 = "2\t1\nAnna\t1\t4\nAnna\t2\tBo Li\t13\nBo Li\t2\t3\nBo Li\t1\tAnna\t4\n"
TWO = [NamedPair("x/1.jpg", "x/2.jpg", True), NamedPair("x/1.jpg", "y/1.jpg", False)]
"""What most of the lists here say."""


def written(folder: Path, text: str | bytes, name: str = "pairs.txt") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def read(path: Path) -> list[NamedPair]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return list(read_pairs(path))


def test_lfw_view_2_has_folds(tmp_path: Path):
    assert read(written(tmp_path, VIEW_2)) == [
        NamedPair("Anna/Anna_0001", "Anna/Anna_0004", True, 0),
        NamedPair("Anna/Anna_0002", "Bo Li/Bo Li_0013", False, 0),
        NamedPair("Bo Li/Bo Li_0002", "Bo Li/Bo Li_0003", True, 1),
        NamedPair("Bo Li/Bo Li_0001", "Anna/Anna_0004", False, 1),
    ]


@pytest.mark.parametrize(
    "text", ["1\nAnna 1 2\nAnna 1 Bo 2\n\n", "Anna 1 2\nAnna 1 Bo 2", "Anna\t1\t2\nAnna\t1\tBo\t2"]
)
def test_lfw_view_1_has_none_and_neither_has_a_list_without_its_first_line(tmp_path: Path, text: str):
    assert read(written(tmp_path, text)) == [
        NamedPair("Anna/Anna_0001", "Anna/Anna_0002", True),
        NamedPair("Anna/Anna_0001", "Bo/Bo_0002", False),
    ]


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("a,b,same\nx/1.jpg,x/2.jpg,1\nx/1.jpg,y/1.jpg,0\n", None),
        ("\ufeffa,b,same\r\nx/1.jpg,x/2.jpg,1\r\nx/1.jpg,y/1.jpg,0", None),
        ("a,b,same\rx/1.jpg,x/2.jpg,1\rx/1.jpg,y/1.jpg,0\r", None),
        ('"a","b","same"\n"x/1.jpg", "x/2.jpg","TRUE"\n\n   \n,,\n x/1.jpg , y/1.jpg ,FALSE\n', None),
        ("sep=;\na;b;same\nx/1.jpg;x/2.jpg;1.0\nx/1.jpg;y/1.jpg;0.0\n", None),
        ("sep=\t\na\tb\tsame\nx/1.jpg\tx/2.jpg\t1\nx/1.jpg\ty/1.jpg\t0\n", None),
        ("A\tB\tSame\nx/1.jpg\tx/2.jpg\t1\nx/1.jpg\ty/1.jpg\t-1\n", None),
        (",a,b,same\n0,x/1.jpg,x/2.jpg,1\n1,x/1.jpg,y/1.jpg,0\n", None),
        ("same,a,b\ngenuine,x/1.jpg,x/2.jpg\nimpostor,x/1.jpg,y/1.jpg\n", None),
        ("Image 1,img_2,Label\nx/1.jpg,x/2.jpg,1\nx/1.jpg,y/1.jpg,0\n", "'img_2' are taken for the images"),
        ("path1;path2;issame\nx/1.jpg;x/2.jpg;Yes\nx/1.jpg;y/1.jpg;No\n", "'issame' for 1 (one identity)"),
        ("a,b,same,age\nx/1.jpg,x/2.jpg,1,9\nx/1.jpg,y/1.jpg,0,9\n", "not used: 'age'"),
        ("x/1.jpg,x/2.jpg,1\nx/1.jpg,y/1.jpg,0\n", "without a header"),
        ("x/1.jpg x/2.jpg 1\nx/1.jpg  y/1.jpg 0\n", "without a header"),
        ("x/1.jpg\tx/2.jpg\t1\nx/1.jpg\ty/1.jpg\t0\n", "without a header"),
        ("x/1.jpg 7\nx/2.jpg 7\nx/1.jpg 0\ny/1.jpg 0\n", "two lines per pair"),
        ("x/1.jpg\t1\nx/2.jpg\t1\nx/1.jpg\t0\ny/1.jpg\t0\n", "two lines per pair"),
    ],
)  # fmt: skip
def test_the_forms_that_people_have_are_read_and_a_guess_is_said(tmp_path: Path, text: str, note: str | None):
    path = written(tmp_path, text)
    assert read(path) == TWO
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        read_pairs(path)
    assert [note in str(one.message) for one in said if note] == ([True] if note else [])
    assert len(said) == (1 if note else 0)


def test_a_column_of_folds_is_taken_in_the_order_of_its_numbers(tmp_path: Path):
    path = written(tmp_path, "a,b,same,fold\nx,y,1,10\nx,z,0,2\ny,z,0,10.0\n")
    pairs = read_pairs(path)
    assert pairs.fold is not None
    assert pairs.fold.tolist() == [1, 0, 1]
    assert pairs[1] == NamedPair("x", "z", False, 0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: an empty file"),
        ("\n \n", "line 1: an empty file"),
        ("a,b,same\n", "lists no pairs"),
        ("0\n", "lists no pairs"),
        ("2 1\nAnna 1 2\n", "1 pairs, but the header promises 2 x 2"),
        ("1\nAnna 1 2\nAnna 1 Bo two\n", "line 3: 'Anna 1 Bo two'"),
        ("1\nAnna 1 Bo 2\nAnna 1 2\n", "line 2: 'Anna 1 Bo 2'"),
        (f"{'9' * 5000}\nAnna 1 2\n", "line 1: '9999"),
        ("Anna 1 2\nAnna 1 Bo 2\nAnna 1 Bo 2 3\n", "line 3: 'Anna 1 Bo 2 3'"),
        ("x,y,same\n", "line 1: the header is 'x,y,same', which names no columns a, b and same"),
        ("a,b,same,label\nx,y,1,1\n", "line 1: the header is"),
        ("1 x.jpg y.jpg\n", "has the label in front"),
        ("a,b,same\n1.png,2.png\n", "line 2: 2 columns, where 3 are expected: '1.png | 2.png'"),
        ("a,b,same\n1.png,2.png,1\n1.png,2.png,maybe\n", "line 3: column 'same': 'maybe' says neither"),
        ("a,b,label\n1.png,2.png,2\n", "line 2: column 'label': '2' says neither"),
        ("a,b,same\nx,y,0\nx,z,-1\n", "line 3: column 'same': '-1', in a list that has both 0 and -1"),
        ("a,b,same\n,2.png,1\n", "line 2: column 'a': no image is named"),
        ("a,b,same,fold\nx,y,1,two\n", "line 2: column 'fold': 'two' is no number of a fold"),
        ("x y 1 1\nx y 2 1\n", "the header is 'x y 1 1'"),
        ('a,b,same\nx,y,1\nx,"y,1\nx,y,1\n', "line 3: a quote that is not closed"),
        ('a,b,same\n"x"y,z,1\n', "line 2: a quote that is not closed, or text behind a quoted cell"),
        ("a,b,same\nx,y,1\nx\0,y,1\n", "line 3: holds a NUL"),
        (f"a,b,same\n{'x' * 131_073},y,1\n", "line 2: a cell of more than 131,072 characters"),
        (f"a,b,same\n\"{'x' * 131_073}\",y,1\n", "line 2: a cell of more than 131,072 characters"),
        ("Ann Lee/1.jpg Ann Lee/2.jpg 1\n", "the header is"),
        ("x.jpg y.jpg 1\nAnn Lee/1.jpg y.jpg 1\n", "line 2: 4 columns, where 3 are expected"),
        ("x/1.jpg 1\nx/2.jpg 1\nx/1.jpg 0\n", "line 3: 'x/1.jpg 0' has no second line"),
        ("x/1.jpg 1\nx/2.jpg 0\n", "line 2: 'x/2.jpg 0', but the line before says 1"),
        (b"\x80\x04\x95", "a pickle, as insightface keeps verification sets"),
        (b"PK\x03\x04", "a zip archive"),
        ("a,b,same\nx,y,1\n".encode("utf-16"), "UTF-16 text"),
        (b"a,b,same\nx,y,1\nJos\xe9,y,1\n", "line 3: not UTF-8 text (byte 0xe9)"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, text: str | bytes, message: str):
    with pytest.raises(FacezooError) as error:
        read(written(tmp_path, text))
    assert message in error.value.message
    assert error.value.hint


@pytest.mark.parametrize("delimiter", [",", "\t", " ", "|"])
def test_the_command_that_is_named_converts_the_list(tmp_path: Path, delimiter: str):
    in_front = written(tmp_path, "1 x/1.jpg x/2.jpg\n0 x/1.jpg y/1.jpg\n".replace(" ", delimiter), "front")
    subprocess.run(command_of(in_front, "awk"), shell=True, check=True, cwd=tmp_path)
    assert read(tmp_path / "pairs.txt") == TWO
    other = written(
        tmp_path, "p q r\nx/1.jpg x/2.jpg 1\nx/1.jpg y/1.jpg 0\n".replace(" ", delimiter), "other"
    )
    subprocess.run(command_of(other, "sed"), shell=True, check=True, cwd=tmp_path)
    assert read(other) == TWO


def command_of(path: Path, program: str) -> str:
    with pytest.raises(FacezooError) as error:
        read(path)
    assert program in error.value.hint
    return error.value.hint[error.value.hint.index(f": {program} ") + 2 :]


def test_lists_that_cannot_be_opened_are_told(tmp_path: Path):
    for path in (tmp_path / "nowhere.txt", tmp_path, tmp_path / ("x" * 300)):
        with pytest.raises(FacezooError, match="cannot be read"):
            read(path)


def test_a_pickle_is_never_advised_to_be_loaded(tmp_path: Path):
    with pytest.raises(FacezooError) as error:
        read(written(tmp_path, b"\x80\x04\x95", "lfw.bin"))
    assert "load" not in error.value.hint


CELLS = st.text(st.sampled_from('ab/é"\t ,;.01\u2028\x0b'), max_size=6) | st.sampled_from(
    ["1", "0", "x/1.jpg"]
)


@given(st.lists(st.lists(CELLS, min_size=1, max_size=4), max_size=6), st.integers(1, 40))
def test_the_quick_path_reads_what_the_general_one_reads(tmp_path_factory, rows: list[list[str]], size: int):
    """In blocks of any size, cut anywhere between lines."""
    text = "".join(f"{','.join(row)}\n" for row in [["a", "b", "same"], *rows])
    path = written(tmp_path_factory.mktemp("list"), text)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines_module, "BLOCK", size)
        both = outcome(path)
        patch.setattr(table, "_quick", _never)
        assert outcome(path) == both
    assert outcome(path) == both


def _never(*_: object) -> list[str]:
    raise table._OddError


@pytest.mark.slow
@pytest.mark.soak
@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_bytes_are_a_list_or_an_error(tmp_path_factory, content: bytes):
    any_list(tmp_path_factory.mktemp("list"), content)


LINES = [
    "a,b,same\n",
    "sep=;\n",
    "10 300\n",
    "1\n",
    "Ann 1 2\n",
    "Ann 1 Bo 2\n",
    "x.jpg 1\n",
    "x y 1\n",
    "x,y,1\n",
]
BITS = [*',;"\t \r\n1\0\ufeffé', "-1", "a,b,same,fold\n", "x,y,1,", "9" * 4301, "nan", "1e400"]
PIECES = st.sampled_from(LINES + BITS)


@pytest.mark.slow
@pytest.mark.soak
@given(st.lists(PIECES, max_size=12))
def test_pieces_of_lists_are_a_list_or_an_error(tmp_path_factory, pieces: list[str]):
    any_list(tmp_path_factory.mktemp("list"), "".join(pieces).encode())


def any_list(folder: Path, content: bytes) -> None:
    found = outcome(written(folder, content))
    assert found
    if isinstance(found, str):
        assert len(found) < 1000
    else:
        assert all(pair.a and pair.b for pair in found)


def outcome(path: Path) -> list[NamedPair] | str:
    try:
        return read(path)
    except FacezooError as error:
        return str(error)


def test_columns_number_names_in_the_order_of_the_list():
    pairs = [NamedPair("b", "a", True, 1), NamedPair("c", "b", False, 0), NamedPair("a", "d", False, 0)]
    columns = NamedPairs.of(pairs)
    assert columns.names == ("b", "a", "c", "d")
    assert (columns.left.tolist(), columns.right.tolist()) == ([0, 2, 1], [1, 0, 3])
    assert columns.left.dtype == columns.right.dtype == np.int64
    assert columns.same.tolist() == [True, False, False]
    assert columns.fold is not None
    assert columns.fold.tolist() == [1, 0, 0]
    assert list(columns) == pairs == columns[:]
    assert NamedPairs.of(pairs[:1] + TWO).fold is None


def test_names_become_images_of_which_several_may_be_one(tmp_path: Path):
    for path in ("1.jpg", "0.jpg"):
        (tmp_path / path).touch()
    given = Given()
    found = given.find("p", ["1", "0", "1.jpg"], [tmp_path])
    assert (found.images.names, found.numbers.tolist(), found.missing) == (("1.jpg", "0.jpg"), [0, 1, 0], ())
    embeddings = EmbeddingSet("e", ("1.jpg", "0.jpg"), np.eye(2))
    found = Given(embeddings=embeddings).find("p", ["0", "2", "1.jpg"], [])
    assert (found.images.names, found.numbers.tolist(), found.missing) == (
        ("0.jpg", "1.jpg"),
        [0, -1, 1],
        ("2",),
    )
