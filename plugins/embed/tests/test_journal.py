"""The journal of a job's rows: whatever is damaged, it gives the batches before that and no other."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facezoo_embed.journal import LINES, ROWS, Journal

WIDTH = 3
BATCHES = [
    {"images": 2, "paths": ["a/1.jpg", "\udce9 ö.jpg"], "left_out": {}},
    {"images": 1, "paths": [], "left_out": {"a/2.jpg": "empty file"}},
    {"images": 1, "paths": ["b/1.jpg"], "left_out": {}},
]


def written(folder: Path) -> Journal:
    journal, first = Journal(folder, WIDTH), 0
    for batch in BATCHES:
        count = len(batch["paths"])
        journal.add(batch, np.arange(first, first + count * WIDTH, dtype=np.float32).reshape(count, WIDTH))
        first += count * WIDTH
    return journal


def test_it_gives_what_was_added_and_goes_on_from_there(tmp_path: Path):
    digest = written(tmp_path).digest
    again = Journal(tmp_path, WIDTH)
    assert list(again.read()) == BATCHES
    assert again.digest == digest
    assert again.cut() == 0
    assert again.is_intact()
    again.add(BATCHES[0], np.zeros((2, WIDTH), np.float32))
    assert list(Journal(tmp_path, WIDTH).read()) == [*BATCHES, BATCHES[0]]
    assert np.fromfile(tmp_path / ROWS, "<f4").tolist() == [*range(9), *[0.0] * 6]


def test_rows_of_another_width_are_none(tmp_path: Path):
    written(tmp_path)
    assert list(Journal(tmp_path, WIDTH + 1).read()) == []


def test_a_link_is_not_written_through(tmp_path: Path):
    (tmp_path / "precious").write_bytes(b"precious")
    (tmp_path / ROWS).symlink_to(tmp_path / "precious")
    with pytest.raises(OSError, match="symbolic link"):
        written(tmp_path)
    assert (tmp_path / "precious").read_bytes() == b"precious"


@pytest.mark.soak
@pytest.mark.slow
@given(
    file=st.sampled_from([LINES, ROWS]),
    where=st.integers(0, 600),
    value=st.binary(max_size=5),
    cut=st.integers(0, 100),
)
def test_no_damage_is_taken_for_rows(tmp_path_factory, file: str, where: int, value: bytes, cut: int):
    folder = tmp_path_factory.mktemp("journal")
    written(folder)
    rows = (folder / ROWS).read_bytes()
    content = (folder / file).read_bytes()
    damaged = content[:where] + value + content[where + len(value) :]
    (folder / file).write_bytes(damaged[: len(damaged) - cut])
    journal = Journal(folder, WIDTH)
    found = list(journal.read())
    assert found == BATCHES[: len(found)]
    journal.cut()
    assert journal.is_intact()
    assert (folder / ROWS).read_bytes() == rows[: sum(len(batch["paths"]) for batch in found) * WIDTH * 4]
    shutil.rmtree(folder)
