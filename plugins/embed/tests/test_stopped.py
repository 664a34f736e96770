"""Embedding a folder: what stays when it is stopped, what is found damaged, and what is left alone."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

import facezoo_embed.embed_folder as module
from facezoo import FacezooError
from facezoo.data import open_store
from facezoo.disk.claims import ClaimedError, claim
from facezoo.evaluation.files import read_embeddings
from facezoo_embed.embed_folder import embed_images
from support.checkpoints import flip_a_bit
from support.faces import identity_folder
from support.pictures import Piped, Rendered

ROW = 4 * 8  # bytes


class StoppedError(Exception):
    pass


def stop_after(batches: int, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Have the forward pass fail once so many batches are done; the list grows by the size of each."""
    real, calls = module.embed_pixels, list[int]()

    def failing(*args, **kwargs):
        calls.append(len(args[1]))
        if len(calls) == batches + 1:
            raise StoppedError
        return real(*args, **kwargs)

    monkeypatch.setattr(module, "embed_pixels", failing)
    return calls


@pytest.fixture
def stopped(embed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A job that was stopped after two of its five batches: the output, its partial folder, the calls."""
    calls = stop_after(2, monkeypatch)
    with pytest.raises(StoppedError):
        embed(tmp_path / "e.npz")
    assert not (tmp_path / "e.npz").exists()
    return tmp_path / "e.npz", tmp_path / "e.npz.partial", calls


def same(a: Path, b: Path) -> bool:
    expected, found = read_embeddings(a), read_embeddings(b)
    return found.paths == expected.paths and np.array_equal(found.rows, expected.rows)


def half_a_line(partial: Path) -> None:
    with (partial / "journal.jsonl").open("a") as file:
        file.write('{"images": 5, "pa')


def rows_without_a_line(partial: Path) -> None:
    with (partial / "rows.f32").open("ab") as file:
        file.write(bytes(ROW * 2 + 3))


def lines_exchanged(partial: Path) -> None:
    lines = (partial / "journal.jsonl").read_bytes().splitlines(keepends=True)
    (partial / "journal.jsonl").write_bytes(b"".join(reversed(lines)))


def nul_tail(partial: Path) -> None:
    with (partial / "journal.jsonl").open("ab") as file:
        file.write(bytes(4096))


@pytest.mark.parametrize(
    ("damage", "kept"),
    [
        (lambda partial: None, 2),
        (half_a_line, 2),
        (nul_tail, 2),
        (rows_without_a_line, 2),
        (lambda partial: flip_a_bit(partial / "rows.f32", 5 * ROW + 1), 1),
        (lambda partial: flip_a_bit(partial / "rows.f32", 3), 0),
        (lambda partial: flip_a_bit(partial / "journal.jsonl", 30), 0),
        (lambda partial: os.truncate(partial / "rows.f32", 7 * ROW), 1),
        (lambda partial: (partial / "rows.f32").unlink(), 0),
        (lambda partial: (partial / "journal.jsonl").write_text("[" * 10_000 + "\n{}\n"), 0),
        (lambda partial: (partial / "journal.jsonl").unlink(), 0),
        (lines_exchanged, 0),
    ],
)
@pytest.mark.filterwarnings("ignore:.*damaged after")
def test_an_interrupted_job_goes_on_from_what_is_whole(embed, stopped, tmp_path, damage, kept):
    out, partial, calls = stopped
    damage(partial)
    told = []
    embed(out, progress=lambda *done: told.append(done))
    assert told[0] == (5 * kept, 24)
    assert sum(calls[3:]) == 24 - 5 * kept
    embed(tmp_path / "whole.npz")
    assert same(tmp_path / "whole.npz", out)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["e.npz", "whole.npz"]


def test_lost_batches_are_said(embed, stopped):
    flip_a_bit(stopped[1] / "rows.f32", 5 * ROW + 1)
    with pytest.warns(
        UserWarning, match=r"e\.npz\.partial: damaged after 5 images; the rest is computed again"
    ):
        embed(stopped[0])


def test_a_job_is_not_gone_on_with_as_another(embed, stopped, tmp_path):
    with pytest.raises(FacezooError, match="was begun with other flip"):
        embed(stopped[0], flip=True)
    other = identity_folder(tmp_path / "other", size=16)
    image = other / "person 3" / "5.png"
    flip_a_bit(image, len(image.read_bytes()) // 2)  # of the same size
    with pytest.raises(FacezooError, match="was begun with other images"):
        embed(stopped[0], other)
    assert embed(stopped[0]).images == 24


def test_only_one_process_embeds_into_a_file(embed, stopped, tmp_path):
    out, partial, _ = stopped
    before = {path.name: path.read_bytes() for path in partial.iterdir()}
    with claim(partial, "embedding"), pytest.raises(ClaimedError, match="another process is embedding there"):
        embed(out)
    assert {path.name: path.read_bytes() for path in partial.iterdir()} == before
    assert embed(out).images == 24


def a_folder(partial: Path) -> None:
    (partial / "precious").mkdir(parents=True)


def rows_of_somebody(partial: Path) -> None:
    partial.mkdir()
    (partial / "job.json").write_text(json.dumps({"flip": False}))
    (partial / "rows.f32").write_bytes(b"precious")


def a_link(partial: Path) -> None:
    (partial.parent / "precious").mkdir()
    partial.symlink_to(partial.parent / "precious")


@pytest.mark.parametrize("make", [a_folder, rows_of_somebody, a_link, Path.touch])
def test_what_facezoo_did_not_make_is_left_alone(embed, tmp_path, make):
    make(tmp_path / "e.npz.partial")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(FacezooError, match=r"e\.npz\.partial: this facezoo did not make it"):
        embed(tmp_path / "e.npz")
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    "damage", [Path.unlink, lambda path: flip_a_bit(path, 40), lambda path: path.write_text("{")]
)
def test_a_folder_that_cannot_be_told_is_left_alone(embed, stopped, damage):
    damage(stopped[1] / "job.json")
    rows = (stopped[1] / "rows.f32").read_bytes()
    with pytest.raises(FacezooError, match=r"or its job\.json is damaged"):
        embed(stopped[0])
    assert (stopped[1] / "rows.f32").read_bytes() == rows


def test_what_lies_beside_the_rows_stays(embed, stopped):
    (stopped[1] / "note.txt").write_text("somebody's")
    assert embed(stopped[0]).images == 24
    assert [path.name for path in stopped[1].iterdir()] == ["note.txt"]


class Killed(BaseException):
    """Stands for a SIGKILL."""


def killed_at(call: int, job, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Run a job until its so manieth call that changes the disk; whether it came to that."""
    made = 0

    def counting(original):
        def counted(*args, **kwargs):
            nonlocal made
            made += 1
            if made >= call:
                raise Killed  # and nothing can be tidied up afterwards
            return original(*args, **kwargs)

        return counted

    with monkeypatch.context() as patch:
        for name in ("fsync", "write", "open", "mkdir", "rename", "replace", "rmdir", "unlink"):
            patch.setattr(os, name, counting(getattr(os, name)))
        with suppress(Killed):
            job()
    return made >= call


@pytest.mark.filterwarnings("ignore:.*damaged after 0")
def test_killed_at_any_moment_the_same_command_goes_on(embed, tmp_path, monkeypatch):
    root = identity_folder(tmp_path / "faces", identities=1, images=4, size=16)
    embed(tmp_path / "whole.npz", root, batch_size=2)
    out, partial, call = tmp_path / "e.npz", tmp_path / "e.npz.partial", 1
    while killed_at(call, lambda: embed(out, root, batch_size=2), monkeypatch):
        if not out.exists():
            embed(out, root, batch_size=2)
        assert same(tmp_path / "whole.npz", out)
        out.unlink()
        if partial.exists():  # killed between naming the file and tidying up
            embed(out, root, batch_size=2)
            out.unlink()
        assert not partial.exists()
        call += 1
    assert call > 15
    assert sorted(path.name for path in tmp_path.iterdir()) == ["e.npz", "faces", "whole.npz"]


@pytest.mark.parametrize("kind", [Rendered, Piped])
def test_images_of_any_source_are_embedded_and_gone_on_with(kind, network, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        stop_after(1, patch)
        with suppress(StoppedError):
            embed_images(network, kind(), tmp_path / "e.npz", flip=False, batch_size=5)
    assert (tmp_path / "e.npz.partial").exists()
    assert embed_images(network, kind(), tmp_path / "e.npz", flip=False, batch_size=5).images == 12
    found, store = read_embeddings(tmp_path / "e.npz"), open_store(kind(), 16, 2**20)
    assert found.paths == kind.names
    rows = module.embed_pixels(
        network.backbone, store.fetch(np.arange(12)), network.preprocessing, flip=False
    )
    np.testing.assert_allclose(found.rows, rows, atol=1e-6)
