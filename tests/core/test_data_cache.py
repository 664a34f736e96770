"""The cache of decoded images: what it gives, when it is stale, and what may go wrong with it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facezoo import FacezooError
from facezoo.data import cache as cache_module
from facezoo.data import faces, open_store, open_training, read_folder
from facezoo.data.cache import KEPT, WORTH_IT, Cache, cache_home
from facezoo.data.store import MemoryStore, Store
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
        for image, path in enumerate(data.faces.paths):
            assert np.array_equal(data.store.fetch(np.array([image]))[0], np.asarray(Image.open(root / path)))
    assert len(decodes) == 24


def test_a_file_that_was_not_accessible_is_tried_again(
    tmp_path: Path, decodes: list[int], monkeypatch: pytest.MonkeyPatch
):
    identity_folder(tmp_path / "faces")
    plain = faces.read_file

    def refuse(path: Path) -> bytes:
        if path.name == "2.png":
            raise PermissionError(13, "Permission denied")
        return plain(path)

    monkeypatch.setattr(faces, "read_file", refuse)
    assert set(opened(tmp_path).unreadable.values()) == {"cannot be read (Permission denied)"}
    monkeypatch.setattr(faces, "read_file", plain)
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
        patch.setattr(cache_module, "_put", stop)
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


def test_what_a_killed_process_left_goes_after_a_day(tmp_path: Path):
    root = identity_folder(tmp_path / "faces")
    opened(tmp_path)
    (name,) = entries(tmp_path)
    for age, left in ((100_000, f".{name}.old"), (0, f".{name}.new")):
        (tmp_path / "cache" / left).mkdir()
        made = (tmp_path / "cache" / left).stat().st_mtime - age
        os.utime(tmp_path / "cache" / left, (made, made))
    touch_later(root)
    opened(tmp_path)
    assert f".{name}.old" not in entries(tmp_path)
    assert f".{name}.new" in entries(tmp_path)
