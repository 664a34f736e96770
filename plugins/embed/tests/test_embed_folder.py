"""Embedding a folder: what is left out, what is refused, and a disk that fails."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

import facezoo_embed.embed_folder as module
from facezoo import FacezooError
from facezoo.data import files
from facezoo.evaluation.files import read_embeddings
from facezoo_embed import partial as partial_module
from support.checkpoints import flip_a_bit


def test_an_embedding_that_is_not_finite_is_refused_and_nothing_stays(embed, tmp_path, monkeypatch):
    real = module.embed_pixels

    def broken(*args, **kwargs):
        rows = real(*args, **kwargs)
        rows[1:3, 0] = np.inf, np.nan
        return rows

    monkeypatch.setattr(module, "embed_pixels", broken)
    message = r"checkpoint\d: the embedding of person 0/1\.png is not finite \(and 1 more of this batch\)"
    with pytest.raises(FacezooError, match=message):
        embed(tmp_path / "deep" / "e.npz")
    assert list(tmp_path.iterdir()) == []


def test_an_image_that_is_away_stops_the_job_and_is_not_left_out(embed, data, tmp_path, monkeypatch):
    root = shutil.copytree(data, tmp_path / "copy")
    image = root / "person 2" / "3.png"

    def vanish(done: int, total: int) -> None:
        if not done and not (tmp_path / "away").exists():
            image.rename(tmp_path / "away")

    with pytest.raises(FacezooError, match=r"person 2/3\.png: cannot be read \(No such file") as error:
        embed(tmp_path / "e.npz", root, progress=vanish)
    assert "the same command goes on" in error.value.hint
    (tmp_path / "away").rename(image)
    assert embed(tmp_path / "e.npz", root).images == 24


def test_an_image_that_is_away_from_the_start_begins_no_job(embed, tmp_path, monkeypatch):
    real = files.read_file

    def refuse(path: Path) -> bytes:
        if path.name == "3.png":
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(files, "read_file", refuse)
    with pytest.raises(FacezooError, match=r"person 0/3\.png: cannot be read"):
        embed(tmp_path / "e.npz")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_says_what_stays_and_how_to_go_on(embed, tmp_path, monkeypatch):
    real, done = os.fsync, 0

    def full(handle: int) -> None:
        if done:
            raise OSError(28, "No space left on device")
        real(handle)

    def progress(images: int, total: int) -> None:
        nonlocal done
        done = images

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(
            FacezooError, match=r"partial: cannot be written \(No space left on device\)"
        ) as error:
            embed(tmp_path / "e.npz", progress=progress)
    assert error.value.hint.startswith("5 images are done and stay there")
    told = []
    embed(tmp_path / "e.npz", progress=lambda *step: told.append(step))
    assert told[0] == (5, 24)


def test_a_disk_that_is_full_at_the_end_keeps_the_rows(embed, tmp_path, monkeypatch):
    def full(path: Path) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(partial_module, "sync", full)
        with pytest.raises(FacezooError, match="No space left on device") as error:
            embed(tmp_path / "e.npz")
    assert error.value.hint.startswith("24 images are done and stay there")
    assert not (tmp_path / "e.npz.partial" / "whole.npz").exists()
    monkeypatch.setattr(module, "embed_pixels", None)  # nothing is computed again
    assert embed(tmp_path / "e.npz").images == 24


def test_a_place_that_cannot_be_written_is_a_clear_error(embed, tmp_path):
    (tmp_path / "file").touch()
    for place in (tmp_path / "file" / "e.npz", tmp_path / ("n" * 250)):
        with pytest.raises(FacezooError, match="cannot be written") as error:
            embed(place)
        assert "(-o)" in error.value.hint
    (tmp_path / "link.npz").symlink_to(tmp_path / "nowhere")
    with pytest.raises(FacezooError, match=r"link\.npz: exists already"):
        embed(tmp_path / "link.npz")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "link.npz"]


def test_rows_that_were_changed_meanwhile_are_not_named_whole(embed, tmp_path):
    def meddle(done: int, total: int) -> None:
        if done == 20:
            flip_a_bit(tmp_path / "e.npz.partial" / "rows.f32", 3 * 4 * 8)

    with pytest.raises(FacezooError, match="was changed while the images were embedded"):
        embed(tmp_path / "e.npz", progress=meddle)
    assert not (tmp_path / "e.npz").exists()
    with pytest.warns(UserWarning, match="damaged after 0 images"):
        embed(tmp_path / "e.npz")


def test_images_that_do_not_decode_are_left_out_with_a_reason(embed, data, tmp_path):
    root = tmp_path / "some"
    shutil.copytree(data / "person 0", root / "deep" / "person 0")
    (root / "deep" / "person 0" / "1.png").write_bytes(b"")
    (root / "deep" / "note.txt").touch()
    (root / "bad.jpg").write_bytes(b"no image")
    found = embed(tmp_path / "e.npz", root, batch_size=1)
    assert found.images == 5
    assert [str(item) for item in found.left_out] == [
        "bad.jpg: not an image in a format that facezoo reads",
        "deep/person 0/1.png: empty file",
        "deep/note.txt: not an image by its name",
    ]
    assert len(read_embeddings(tmp_path / "e.npz")) == 5


def test_a_folder_without_a_usable_image_is_refused(embed, tmp_path):
    (tmp_path / "none").mkdir()
    with pytest.raises(FacezooError, match="holds no image"):
        embed(tmp_path / "e.npz", tmp_path / "none")
    (tmp_path / "none" / "bad.jpg").touch()
    with pytest.raises(FacezooError, match="none of the 1 images can be decoded"):
        embed(tmp_path / "e.npz", tmp_path / "none")
    assert [path.name for path in tmp_path.iterdir()] == ["none"]


def test_images_that_declare_another_contract_are_refused(embed, data, tmp_path):
    root = shutil.copytree(data, tmp_path / "declared")
    (root / "facezoo.toml").write_text('[preprocessing]\ncolour = "BGR"\n')
    with pytest.raises(FacezooError, match="declares images that do not fit the backbone"):
        embed(tmp_path / "e.npz", root)
