"""Embedding a folder: what stays when it is stopped, what is found damaged, and what is left alone."""

from __future__ import annotations

import json
import os
import shutil
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import facezoo_embed.embed_folder as module
from facezoo import FacezooError
from facezoo.data import Preprocessing, files, open_store
from facezoo.data.folder import find_images
from facezoo.disk.claims import ClaimedError, claim
from facezoo.evaluation.files import read_embeddings
from facezoo.runs.network import Network
from facezoo.settings import EvaluateSettings
from facezoo_embed import partial as partial_module
from facezoo_embed.embed_folder import embed_images
from support.faces import identity_folder
from support.pictures import Piped, Rendered

WIDTH = 8


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return identity_folder(tmp_path_factory.mktemp("faces"), size=16)


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Network:
    """A network that takes no training and hardly any time."""
    checkpoint = tmp_path_factory.mktemp("checkpoint")
    (checkpoint / "model.safetensors").write_bytes(b"stands for the weights")
    torch.manual_seed(0)
    backbone = nn.Sequential(nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(48, WIDTH)).eval()
    metadata = {"backbone": {"name": "tiny", "dim": WIDTH}}
    return Network(checkpoint, metadata, backbone, Preprocessing(16, "as stored"), EvaluateSettings())


@pytest.fixture
def embed(network: Network, data: Path):
    def embedded(out: Path, root: Path = data, **options):
        return embed_images(network, find_images(root), out, **{"flip": False, "batch_size": 5, **options})

    return embedded


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


def flip_bit(path: Path, where: int) -> None:
    content = bytearray(path.read_bytes())
    content[where] ^= 4
    path.write_bytes(content)


def half_a_line(partial: Path) -> None:
    with (partial / "journal.jsonl").open("a") as file:
        file.write('{"images": 5, "pa')


def rows_without_a_line(partial: Path) -> None:
    with (partial / "rows.f32").open("ab") as file:
        file.write(bytes(4 * WIDTH * 2 + 3))


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
        (lambda partial: flip_bit(partial / "rows.f32", 5 * 4 * WIDTH + 1), 1),
        (lambda partial: flip_bit(partial / "rows.f32", 3), 0),
        (lambda partial: flip_bit(partial / "journal.jsonl", 30), 0),
        (lambda partial: os.truncate(partial / "rows.f32", 7 * 4 * WIDTH), 1),
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
    flip_bit(stopped[1] / "rows.f32", 5 * 4 * WIDTH + 1)
    with pytest.warns(
        UserWarning, match=r"e\.npz\.partial: damaged after 5 images; the rest is computed again"
    ):
        embed(stopped[0])


def test_a_job_is_not_gone_on_with_as_another(embed, stopped, tmp_path):
    with pytest.raises(FacezooError, match="was begun with other flip"):
        embed(stopped[0], flip=True)
    other = identity_folder(tmp_path / "other", size=16)
    image = other / "person 3" / "5.png"
    flip_bit(image, len(image.read_bytes()) // 2)  # of the same size
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
    "damage", [Path.unlink, lambda path: flip_bit(path, 40), lambda path: path.write_text("{")]
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


def test_an_embedding_that_is_not_finite_is_refused_and_nothing_stays(embed, tmp_path, monkeypatch):
    real = module.embed_pixels

    def broken(*args, **kwargs):
        rows = real(*args, **kwargs)
        rows[1:3, 0] = np.inf, np.nan
        return rows

    monkeypatch.setattr(module, "embed_pixels", broken)
    message = r"checkpoint0: the embedding of person 0/1\.png is not finite \(and 1 more of this batch\)"
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
            flip_bit(tmp_path / "e.npz.partial" / "rows.f32", 3 * 4 * WIDTH)

    with pytest.raises(FacezooError, match="was changed while the images were embedded"):
        embed(tmp_path / "e.npz", progress=meddle)
    assert not (tmp_path / "e.npz").exists()
    with pytest.warns(UserWarning, match="damaged after 0 images"):
        embed(tmp_path / "e.npz")


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
