"""The cache of decoded images: what it gives, when it is stale, and what may go wrong with it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from facezoo import FacezooError
from facezoo.data import cache as cache_module
from facezoo.data import files, open_store, open_training, read_folder
from facezoo.data.cache import KEPT, WORTH_IT, Cache, cache_home
from facezoo.data.cache_entry import PIXELS, SOURCE, read_entry, seal, write_pixels
from facezoo.data.store import MemoryStore, Store
from facezoo.disk.sealed import read_sealed, write_sealed
from support.faces import identity_folder

EVERY = np.arange(24)


def opened(tmp_path: Path, size: int = 32, cache: str = "") -> Store:
    faces = read_folder(tmp_path / "faces")
    return open_store(faces, size, 2**30, cache=cache or str(tmp_path / "cache"))


def entries(tmp_path: Path) -> set[str]:
    return {path.name for path in (tmp_path / "cache").iterdir()}


@pytest.fixture
def decodes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one with each image that is decoded for the cache."""
    calls: list[int] = []
    plain = cache_module.decoded

    def counted(images, numbers, size, fit):
        numbers = list(numbers)
        calls.extend(numbers)
        return plain(images, numbers, size, fit)

    monkeypatch.setattr(cache_module, "decoded", counted)
    return calls


def test_it_gives_what_decoding_gives_and_decodes_once(tmp_path: Path, decodes: list[int]):
    identity_folder(tmp_path / "faces", size=40)
    plain = opened(tmp_path, cache="none")
    for _ in range(3):
        store = opened(tmp_path)
        assert isinstance(store, MemoryStore)
        assert np.array_equal(store.fetch(EVERY), plain.fetch(EVERY))
        assert not store.pixels.flags.writeable, "mapped, not copied"
        changed = store.fetch(EVERY)
        changed[:] = 0
        assert type(changed) is np.ndarray
    assert len(decodes) == 24
    assert len(entries(tmp_path)) == 1


def rewrite(root: Path) -> None:
    Image.new("RGB", (32, 32), "red").save(root / "person 1" / "2.png")


def touch_later(root: Path) -> None:
    path = root / "person 1" / "2.png"
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))


def rename(root: Path) -> None:
    (root / "person 1" / "2.png").rename(root / "person 1" / "7.png")


def remove(root: Path) -> None:
    (root / "person 1" / "2.png").unlink()


@pytest.mark.parametrize("change", [rewrite, touch_later, rename, remove])
def test_it_is_built_again_when_the_source_has_changed(tmp_path: Path, decodes: list[int], change):
    root = identity_folder(tmp_path / "faces")
    opened(tmp_path)
    change(root)
    store, plain = opened(tmp_path), opened(tmp_path, cache="none")
    assert len(decodes) == 24 + len(plain)
    numbers = np.arange(len(plain))
    assert np.array_equal(store.fetch(numbers), plain.fetch(numbers))


def test_other_parameters_have_other_entries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    identity_folder(tmp_path / "faces")
    assert opened(tmp_path, 32).fetch(EVERY).shape == (24, 32, 32, 3)
    assert opened(tmp_path, 16).fetch(EVERY).shape == (24, 16, 16, 3)
    faces = read_folder(tmp_path / "faces")
    open_store(faces, 32, 2**30, fit="crop", cache=str(tmp_path / "cache"))
    assert len(entries(tmp_path)) == 3
    monkeypatch.setattr(cache_module, "DECODER", "another")
    opened(tmp_path, 32)
    assert len(entries(tmp_path)) == 4


def test_old_entries_of_one_folder_are_dropped(tmp_path: Path):
    root = identity_folder(tmp_path / "faces")
    first = opened(tmp_path)
    oldest = entries(tmp_path)
    for _ in range(KEPT + 1):
        touch_later(root)
        opened(tmp_path)
    assert len(entries(tmp_path)) == KEPT
    assert not oldest & entries(tmp_path)
    assert first.fetch(EVERY).any(), "who has it open keeps it"


def test_what_did_not_decode_is_kept_with_its_reason(tmp_path: Path, decodes: list[int]):
    root = identity_folder(tmp_path / "faces")
    (root / "person 1" / "2.png").write_text("not a picture")
    for _ in range(2):
        data = open_training(str(root), 32, 2**30, cache=str(tmp_path / "cache"))
        assert [str(item) for item in data.faces.left_out] == [
            "person 1/2.png: not an image in a format that facezoo reads"
        ]
        for image, path in enumerate(data.faces.names):
            assert np.array_equal(data.store.fetch(np.array([image]))[0], np.asarray(Image.open(root / path)))
    assert len(decodes) == 24


def test_a_file_that_was_not_accessible_is_tried_again(
    tmp_path: Path, decodes: list[int], monkeypatch: pytest.MonkeyPatch
):
    identity_folder(tmp_path / "faces")
    plain = files.read_file

    def refuse(path: Path) -> bytes:
        if path.name == "2.png":
            raise PermissionError(13, "Permission denied")
        return plain(path)

    monkeypatch.setattr(files, "read_file", refuse)
    assert set(opened(tmp_path).unreadable.values()) == {"cannot be read (Permission denied)"}
    monkeypatch.setattr(files, "read_file", plain)
    assert opened(tmp_path).unreadable == {}
    assert len(decodes) == 48


@pytest.mark.parametrize("file", ["pixels.npy", "source.json"])
@pytest.mark.parametrize("damage", ["cut", "gone", "nonsense"])
def test_a_damaged_entry_is_built_again(tmp_path: Path, decodes: list[int], file: str, damage: str):
    identity_folder(tmp_path / "faces")
    before = opened(tmp_path).fetch(EVERY)
    (entry,) = (tmp_path / "cache").iterdir()
    content = (entry / file).read_bytes()
    if damage == "gone":
        (entry / file).unlink()
    else:
        (entry / file).write_bytes(content[: len(content) // 2] if damage == "cut" else b"[]")
    assert np.array_equal(opened(tmp_path).fetch(EVERY), before)
    assert len(decodes) == 48
    assert entries(tmp_path) == {entry.name}
    opened(tmp_path)
    assert len(decodes) == 48


def test_several_at_once_share_one_entry(tmp_path: Path):
    identity_folder(tmp_path / "faces")
    with ThreadPoolExecutor(4) as pool:
        stores = list(pool.map(lambda _: opened(tmp_path), range(4)))
    assert all(np.array_equal(store.fetch(EVERY), stores[0].fetch(EVERY)) for store in stores)
    assert len(entries(tmp_path)) == 1


def test_an_interrupted_one_leaves_nothing_that_looks_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    identity_folder(tmp_path / "faces")

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(cache_module, "seal", stop)
        with pytest.raises(KeyboardInterrupt):
            opened(tmp_path)
    assert entries(tmp_path) == set()
    assert opened(tmp_path).fetch(EVERY).any()


def test_where_it_cannot_be_written_memory_takes_its_place(tmp_path: Path):
    identity_folder(tmp_path / "faces")
    (tmp_path / "file").touch()
    with pytest.warns(UserWarning, match="image cache cannot be written .* decoded into memory instead"):
        store = opened(tmp_path, cache=str(tmp_path / "file" / "cache"))
    assert np.array_equal(store.fetch(EVERY), opened(tmp_path, cache="none").fetch(EVERY))


def test_what_does_not_come_back_as_it_was_written_is_not_used(tmp_path: Path, monkeypatch):
    identity_folder(tmp_path / "faces")
    plain = cache_module.write_pixels

    def spoilt(making: Path, *rest: object) -> str:
        digest = plain(making, *rest)
        pixels = np.lib.format.open_memmap(making / PIXELS, mode="r+")
        pixels[-1] ^= 1
        pixels.flush()
        return digest

    monkeypatch.setattr(cache_module, "write_pixels", spoilt)
    with pytest.warns(
        UserWarning, match="image cache cannot be written .*what was written is not what is there"
    ):
        store = opened(tmp_path)
    assert isinstance(store, MemoryStore)
    assert np.array_equal(store.fetch(EVERY), opened(tmp_path, cache="none").fetch(EVERY))


@pytest.mark.skipif(sys.platform == "win32", reason="limits on files are Unix's")
def test_a_full_disk_is_not_the_end(tmp_path: Path):
    identity_folder(tmp_path / "faces")
    code = f"""
import resource, warnings
from pathlib import Path
import numpy as np
from facezoo.data import open_store, read_folder
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    faces = read_folder(Path({str(tmp_path / "faces")!r}))
    store = open_store(faces, 32, 2**30, cache={str(tmp_path / "cache")!r})
assert "too large" in str(said[0].message), said
assert store.fetch(np.arange(24)).any()
"""
    subprocess.run([sys.executable, "-c", code], check=True)
    assert entries(tmp_path) == set()


def test_images_of_another_aspect_ratio_are_an_error_with_and_without_it(tmp_path: Path):
    root = identity_folder(tmp_path / "faces")
    for name in ("2.png", "3.png"):
        Image.new("RGB", (48, 32)).save(root / "person 1" / name)
    for cache in ("none", str(tmp_path / "cache")):
        for _ in range(2):
            with pytest.raises(FacezooError, match=r"48 x 32 pixels; the input is 32 x 32 \(and 1 more"):
                opened(tmp_path, cache=cache)


def test_auto_is_for_sets_worth_it_and_follows_xdg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert Cache.named("auto", WORTH_IT - 1) is None
    assert Cache.named("auto", WORTH_IT) == Cache(tmp_path / "xdg" / "facezoo")
    assert Cache.named("none", 10**6) is None
    assert Cache.named("some/folder", 1) == Cache(Path("some/folder"))
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_home() == Path.home() / ".cache" / "facezoo"


def test_what_is_there_is_not_decoded_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    images, cache = read_folder(identity_folder(tmp_path / "faces")), str(tmp_path / "cache")
    first = open_store(images, 16, 2**30, cache=cache)
    monkeypatch.setattr(Cache, "fill", None)
    again = open_store(images, 16, 2**30, cache=cache)
    assert np.array_equal(again.fetch(np.arange(len(images))), first.fetch(np.arange(len(images))))


def test_a_small_set_leaves_the_users_cache_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    identity_folder(tmp_path / "faces")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        opened(tmp_path, cache="auto")
    assert not (tmp_path / "xdg").exists()


def test_a_copy_of_the_data_has_its_own_entries(tmp_path: Path):
    identity_folder(tmp_path / "faces")
    shutil.copytree(tmp_path / "faces", tmp_path / "copy")
    opened(tmp_path)
    open_store(read_folder(tmp_path / "copy"), 32, 2**30, cache=str(tmp_path / "cache"))
    assert len(entries(tmp_path)) == 2


class Killed(BaseException):
    """Stands for a SIGKILL."""


def test_what_a_killed_process_left_goes_after_a_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def kill(*_: object) -> None:
        raise Killed

    root = identity_folder(tmp_path / "faces")
    for _ in range(2):
        with monkeypatch.context() as patch:
            patch.setattr(cache_module, "seal", kill)
            with pytest.raises(Killed):
                opened(tmp_path)
    old, new = sorted((tmp_path / "cache").iterdir())
    for path in (old, *old.iterdir()):
        os.utime(path, (path.stat().st_mtime - 100_000,) * 2)
    opened(tmp_path)
    assert old.name not in entries(tmp_path)
    assert new.name in entries(tmp_path), "somebody may still be at it"
    assert len(entries(tmp_path)) == 2
    touch_later(root)


THEIRS = ("0123456789ab-notes", ".git-backup.1", ".a-b.c", "b" * 12 + "-" + "c" * 32)


def test_what_others_keep_in_the_folder_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    root = identity_folder(tmp_path / "faces")
    opened(tmp_path)
    (name,) = entries(tmp_path)
    theirs = [*THEIRS, name[:13] + "d" * 32]  # the last looks like an old entry, and holds more than one
    for place in theirs:
        (tmp_path / "cache" / place).mkdir()
        (tmp_path / "cache" / place / "precious").touch()
        os.utime(tmp_path / "cache" / place, (0, 0))
    for _ in range(KEPT + 2):
        touch_later(root)
        opened(tmp_path)
    assert set(theirs) < entries(tmp_path)
    assert len(entries(tmp_path)) == KEPT + len(theirs)


def huge_shape(entry: Path) -> None:
    content = (entry / "pixels.npy").read_bytes()
    (entry / "pixels.npy").write_bytes(content.replace(b"(24, 32, 32, 3)", b"(2**60,32,32,3)"))


def negative_number(entry: Path) -> None:
    source = read_sealed(entry / "source.json")
    write_sealed(entry / "source.json", {**source, "unreadable": {"-1": "empty file"}})


def flipped_bit(entry: Path) -> None:
    content = bytearray((entry / "pixels.npy").read_bytes())
    content[5000] ^= 1
    (entry / "pixels.npy").write_bytes(content)


def other_reason(entry: Path) -> None:
    text = (entry / "source.json").read_text()
    (entry / "source.json").write_text(text.replace('"unreadable": {}', '"unreadable": {"3": "?"}'))


def of_another_time(entry: Path) -> None:
    source = json.loads((entry / "source.json").read_text())
    (entry / "source.json").write_text(json.dumps({"images": source["images"], "unreadable": {}}))


@pytest.mark.parametrize(
    "damage",
    [huge_shape, negative_number, flipped_bit, other_reason, of_another_time],
    ids=lambda damage: damage.__name__,
)
def test_an_entry_is_trusted_only_as_it_was_written(tmp_path: Path, decodes: list[int], damage):
    identity_folder(tmp_path / "faces")
    before = opened(tmp_path).fetch(EVERY)
    (entry,) = (tmp_path / "cache").iterdir()
    damage(entry)
    store = opened(tmp_path)
    assert np.array_equal(store.fetch(EVERY), before)
    assert (store.unreadable, len(decodes)) == ({}, 48)
    opened(tmp_path)
    assert len(decodes) == 48


def a_link(entry: Path) -> None:
    entry.rename(entry.parent.parent / "elsewhere")
    entry.symlink_to(entry.parent.parent / "elsewhere")


def more_in_it(entry: Path) -> None:
    (entry / "precious").touch()
    (entry / "source.json").write_text("{}")


def a_fifo(entry: Path) -> None:
    (entry / "pixels.npy").unlink()
    os.mkfifo(entry / "pixels.npy")


@pytest.mark.parametrize("put", [a_link, more_in_it, a_fifo])
def test_what_is_no_entry_is_neither_used_nor_deleted(tmp_path: Path, put):
    identity_folder(tmp_path / "faces")
    opened(tmp_path)
    (entry,) = (tmp_path / "cache").iterdir()
    put(entry)
    before = sorted(tmp_path.rglob("*"))
    with pytest.warns(UserWarning, match="cannot be written .* decoded into memory instead"):
        assert opened(tmp_path).fetch(EVERY).any()
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("mask", [0o022, 0o077])
def test_permissions_follow_the_umask(tmp_path: Path, mask: int):
    identity_folder(tmp_path / "faces")
    before = os.umask(mask)
    try:
        opened(tmp_path)
    finally:
        os.umask(before)
    (entry,) = (tmp_path / "cache").iterdir()
    assert entry.stat().st_mode & 0o777 == 0o777 & ~mask
    assert {path.stat().st_mode & 0o777 for path in entry.iterdir()} == {0o666 & ~mask}


CHANGES = st.lists(st.tuples(st.integers(0, 10**5), st.integers(0, 255)), max_size=4)


def pixels_of_two(folder: Path) -> np.ndarray:
    """An entry of two images, the second of which does not decode."""
    pixels = np.arange(2 * 4 * 4 * 3, dtype=np.uint8).reshape(2, 4, 4, 3)
    digest = write_pixels(folder, [pixels[0], None], (2, 4, 4, 3))
    seal(folder, "faces", (2, 4, 4, 3), {1: "empty file"}, digest)
    return np.stack([pixels[0], np.zeros_like(pixels[0])])


@pytest.mark.soak
@pytest.mark.slow
@given(
    changes=st.lists(st.tuples(st.integers(0, 10**5), st.integers(0, 255)), max_size=4),
    cut=st.integers(0, 400),
)
def test_no_damage_to_an_entry_is_taken_for_pixels(tmp_path_factory, changes, cut):
    entry = tmp_path_factory.mktemp("entry")
    expected = pixels_of_two(entry)
    for file in (entry / PIXELS, entry / SOURCE):
        content = bytearray(file.read_bytes())
        for where, value in changes:
            content[where % len(content)] = value
        file.write_bytes(content[: len(content) - cut] if cut % 2 else content)
    found = read_entry(entry, (2, 4, 4, 3))
    assert found is None or (
        np.array_equal(found.pixels, expected) and found.failures.unreadable == {1: "empty file"}
    )
    shutil.rmtree(entry)
