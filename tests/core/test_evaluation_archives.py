"""Arrays from anybody's npz: what they may be, and what a file may only pretend to hold."""

from __future__ import annotations

import io
import os
import string
import struct
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from facezoo import FacezooError
from facezoo.evaluation import archives
from facezoo.evaluation.archives import read_arrays
from facezoo.evaluation.files import read_embeddings

NAMES = np.array(["a/1.jpg", "a/2.jpg", "b/1.jpg"])
ROWS = np.arange(12, dtype=np.float32).reshape(3, 4)


def npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def header(descr: str, shape: str) -> bytes:
    """The beginning of an .npy that declares what it likes."""
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode("latin-1", "replace")


def archive(path: Path, *members: tuple[str, bytes], pack: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", pack) as file:
        for name, content in members:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("warnings.warn", lambda *_, **__: None)  # of names that are there twice
                file.writestr(name, content)
    return path


WHOLE = (("path.npy", npy(NAMES)), ("embedding.npy", npy(ROWS)))


@pytest.mark.parametrize(
    "rows",
    [ROWS, np.asfortranarray(ROWS), ROWS.astype(">f4"), ROWS.astype(np.float16), ROWS.astype(np.longdouble)],
)
@pytest.mark.parametrize("names", [NAMES, NAMES.astype("S"), NAMES.astype(">U9")])
def test_every_layout_of_numbers_and_text_is_read(tmp_path: Path, rows: np.ndarray, names: np.ndarray):
    np.savez_compressed(tmp_path / "e.npz", path=names, embedding=rows, other=np.array({}, dtype=object))
    found = read_embeddings(tmp_path / "e.npz")
    assert found.paths == tuple(NAMES.tolist())
    np.testing.assert_array_equal(found.rows, ROWS)
    assert found.rows.dtype.isnative


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (header("'<U4'", "(3,)") + bytes(47), "declares another shape than its 47 bytes have"),
        (header("'<U4'", "(10**12,)"), "not an npz of plain arrays"),
        (header("'<U4'", "(1000000000000,)"), "declares another shape"),
        (header("'<U0'", "(1000000000000,)"), "holds neither numbers nor text"),
        (header("'<U4'", "(-3, -1)") + bytes(48), "declares another shape"),
        (header("'|O'", "(3,)") + bytes(48), "holds Python objects, which are never unpickled"),
        (header("[('a', '<f4')]", "(3,)") + bytes(12), "holds neither numbers nor text"),
        (header("'<M8[s]'", "(3,)") + bytes(24), "holds neither numbers nor text"),
        (header("'<c8'", "(3,)") + bytes(24), "holds neither numbers nor text"),
        (header("(" * 60, "(3,)"), "not an npz of plain arrays"),
        (header("'<U4'", "(3,)")[:50], "not an npz of plain arrays"),
        (b"\x93NUMPY\x03\x00", "not an npz of plain arrays"),
        (b"no array", "not an npz of plain arrays"),
        (header("'<U1'", "(3,)") + struct.pack("<3I", 97, 0x110000, 99), "'path' holds what is no text"),
        (npy(np.array(["a", "b\0c", "d"])), r"the path in row 1, 'b\\x00c', names no file"),
        (npy(np.array(["a", "..", "d"])), r"the path in row 1, '\.\.', names no file"),
        (npy(np.array(["a", "", "d"])), "the path in row 1, '', names no file"),
    ],
)
def test_what_an_array_only_pretends_to_be_is_refused(tmp_path: Path, path: bytes, message: str):
    file = archive(tmp_path / "e.npz", ("path.npy", path), WHOLE[1])
    with pytest.raises(FacezooError, match=message) as error:
        read_embeddings(file)
    assert "\n" not in error.value.message
    assert len(error.value.message) < 300


def test_members_are_known_by_their_whole_names(tmp_path: Path):
    odd = [("../path.npy", b"x"), ("/embedding.npy", b"x"), ("path", b"x"), ("a/path.npy", b"x")]
    assert len(read_embeddings(archive(tmp_path / "e.npz", *odd, *WHOLE))) == 3
    with pytest.raises(FacezooError, match="'path' is in it twice"):
        read_embeddings(archive(tmp_path / "twice.npz", *WHOLE, WHOLE[0]))
    with pytest.raises(FacezooError, match="has no array 'path'"):
        read_embeddings(archive(tmp_path / "none.npz", *odd))


def test_a_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(archives, "FREE", 10_000)
    bomb = ("embedding.npy", npy(np.zeros((3, 100_000), np.float32)))
    file = archive(tmp_path / "e.npz", WHOLE[0], bomb, pack=zipfile.ZIP_DEFLATED)
    with pytest.raises(FacezooError, match=r"cannot be read \([0-9,]+ bytes of it would become 1,200,3"):
        read_embeddings(file)
    assert len(read_embeddings(archive(tmp_path / "stored.npz", WHOLE[0], bomb))) == 3


def test_a_file_that_declares_more_than_it_has_is_refused(tmp_path: Path):
    content = archive(tmp_path / "e.npz", *WHOLE).read_bytes()
    where = content.rindex(b"PK\x01\x02")
    lying = content[: where + 20] + struct.pack("<II", 2**31, 2**31) + content[where + 28 :]
    (tmp_path / "e.npz").write_bytes(lying)
    with pytest.raises(FacezooError, match="its parts are larger than the file"):
        read_embeddings(tmp_path / "e.npz")


def test_a_flipped_bit_is_found_by_the_checksum(tmp_path: Path):
    content = bytearray(archive(tmp_path / "e.npz", *WHOLE).read_bytes())
    content[content.index(ROWS.tobytes()) + 5] ^= 1
    (tmp_path / "e.npz").write_bytes(content)
    with pytest.raises(FacezooError, match="not an npz, or damaged"):
        read_embeddings(tmp_path / "e.npz")


def test_what_is_no_file_is_not_opened(tmp_path: Path):
    os.mkfifo(tmp_path / "fifo")
    for path, reason in (
        (tmp_path / "fifo", "not a regular file"),
        (tmp_path, "not a regular file but a folder"),
    ):
        with pytest.raises(FacezooError, match=reason):
            read_embeddings(path)


def test_one_repeated_name_among_very_many_is_found_at_once(tmp_path: Path):
    names = np.array([f"{number}.jpg" for number in range(200_000)] + ["199999.jpg"])
    np.savez(tmp_path / "e.npz", path=names, embedding=np.ones((len(names), 1), np.float16))
    with pytest.raises(FacezooError, match=r"'199999\.jpg' stands there twice"):  # quadratic, it took minutes
        read_embeddings(tmp_path / "e.npz")


def read_anything(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with suppress(FacezooError):
        read_embeddings(path)
    with suppress(FacezooError):
        read_arrays(path, ("path",), "", optional=("embedding", "other"))


ANY_TEXT = st.text(string.printable, max_size=12)
CHANGES = st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 255)), min_size=1, max_size=6)


@pytest.mark.soak
@pytest.mark.slow
@given(changes=CHANGES, cut=st.integers(0, 3000), packed=st.booleans())
def test_no_damage_to_an_archive_is_more_than_an_error(tmp_path_factory, changes, cut, packed):
    path = tmp_path_factory.getbasetemp() / "fuzzed.npz"
    pack = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
    content = bytearray(archive(path, *WHOLE, ("other.npy", npy(np.arange(5))), pack=pack).read_bytes())
    for where, value in changes:
        content[where % len(content)] ^= value
    read_anything(path, bytes(content[: len(content) - cut] if cut < len(content) else content))


@pytest.mark.soak
@pytest.mark.slow
@given(
    descr=st.one_of(
        st.sampled_from(["'<U3'", "'<f4'", "'|S2'", "'|b1'"]), st.text(string.printable, max_size=12)
    ),
    shape=st.one_of(st.tuples(st.integers(-3, 4)).map(repr), st.text(string.printable, max_size=12)),
    content=st.binary(max_size=60),
)
def test_no_header_is_more_than_an_error(tmp_path_factory, descr, shape, content):
    path = tmp_path_factory.getbasetemp() / "fuzzed.npz"
    archive(path, ("path.npy", header(descr, shape) + content), WHOLE[1])
    read_anything(path, path.read_bytes())


KINDS = st.sampled_from(["f2", "f4", "f8", ">f4", "f16", "i1", "u1", "i8", "u8", "b1", "U3", "S2"])
ARRAYS = KINDS.flatmap(
    lambda kind: arrays(kind, array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
)


@pytest.mark.soak
@pytest.mark.slow
@given(names=ARRAYS, rows=ARRAYS)
def test_no_arrays_are_more_than_an_error(tmp_path_factory, names, rows):
    path = tmp_path_factory.getbasetemp() / "fuzzed.npz"
    np.savez(path, path=names, embedding=rows)
    with suppress(FacezooError):
        read_embeddings(path)
