"""Checkpoints appear whole or not at all, and say where they come from."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
import torch

from facezoo import FacezooError
from facezoo.runs import checkpoint as module
from facezoo.runs.checkpoint import write_checkpoint
from facezoo.runs.verified import read_part
from facezoo.training import latest_checkpoint, read_metadata
from support.checkpoints import ABOUT, as_of_an_earlier_facezoo, rewrite


def write(run_dir: Path, step: int, keep: int = 2) -> Path:
    tensors = {"weight": torch.full((4, 3, 3, 3), float(step)).contiguous(memory_format=torch.channels_last)}
    return write_checkpoint(run_dir, step, {"model": tensors}, {**ABOUT, "note": "é"}, keep)


def names(run_dir: Path) -> list[str]:
    return sorted(path.name for path in (run_dir / "checkpoints").iterdir())


def test_the_last_ones_are_kept(tmp_path: Path):
    assert latest_checkpoint(tmp_path) is None
    for step in (5, 10, 100):
        write(tmp_path, step)
    assert names(tmp_path) == ["step-10", "step-100"]
    last = latest_checkpoint(tmp_path)
    assert last == tmp_path / "checkpoints" / "step-100"
    about = read_metadata(last)
    assert about.pop("files").keys() == {"model.safetensors"}
    assert about == {"format": 1, "step": 100, **ABOUT, "note": "é"}
    assert torch.equal(read_part(last, "model")["weight"], torch.full((4, 3, 3, 3), 100.0))


def test_tied_weights_are_saved_under_both_names(tmp_path: Path):
    weight = torch.arange(6.0)
    tensors = {"one": weight, "two": weight, "part": weight[2:4], "none": torch.zeros(0)}
    saved = read_part(write_checkpoint(tmp_path, 1, {"model": tensors}, ABOUT, 1), "model")
    assert all(torch.equal(saved[name], tensor) for name, tensor in tensors.items())


def test_remains_of_an_earlier_facezoo_go_and_nothing_else(tmp_path: Path):
    folder = tmp_path / "checkpoints"
    for name in (".step-3.tmp", ".step-4.old", ".step-4.older", ".step-5.old", ".step-x.tmp"):
        (folder / name).mkdir(parents=True)
        (folder / name / "model.safetensors").touch()
    (folder / ".step-5.old" / "notes.txt").touch()
    (folder / ".step-6.old").symlink_to(folder / ".step-4.older")
    write(tmp_path, 5)
    left = [".step-4.older", ".step-5.old", ".step-6.old", ".step-x.tmp", "step-5"]
    assert names(tmp_path) == left
    assert [path.name for path in (folder / ".step-4.older").iterdir()] == ["model.safetensors"]


@pytest.mark.parametrize("earlier", [False, True])
def test_a_pipe_is_not_read_for_a_file(tmp_path: Path, earlier: bool):
    last = write(tmp_path, 5)
    if earlier:
        as_of_an_earlier_facezoo(last)
    (last / "model.safetensors").unlink()
    os.mkfifo(last / "model.safetensors")
    with pytest.raises(FacezooError, match=r"model\.safetensors: cannot be read \(.*not a regular file"):
        read_part(last, "model")
    (last / "checkpoint.json").unlink()
    os.mkfifo(last / "checkpoint.json")
    with pytest.raises(FacezooError, match=r"checkpoint\.json: cannot be read"):
        read_metadata(last)


def test_only_folders_called_as_checkpoints_are_checkpoints(tmp_path: Path):
    last = write(tmp_path, 5)
    (tmp_path / "checkpoints" / "step-9").touch()
    for name in ("step-", "step-٣", "step-7.damaged", "step-" + 30 * "9"):
        (tmp_path / "checkpoints" / name).mkdir()
    assert latest_checkpoint(tmp_path) == last


def test_saving_a_step_again_replaces_it(tmp_path: Path):
    write(tmp_path, 5)
    (tmp_path / "checkpoints" / "step-5" / "stale").touch()
    write(tmp_path, 5)
    assert names(tmp_path) == ["step-5"]
    assert not (tmp_path / "checkpoints" / "step-5" / "stale").exists()


def calls_before_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many times saving touches the file system through the calls that can be made to fail here."""
    return fail_at(10**9, tmp_path / "count", monkeypatch)


class Killed(BaseException):
    """Stands for a SIGKILL: nothing in the code under test may catch it."""


def fail_at(call: int, run_dir: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """Save steps 5 and 10, the second one killed at the given call; returns the calls that were made."""
    write(run_dir, 5, keep=1)
    made = 0

    def counted(original):
        def wrapper(*args, **kwargs):
            nonlocal made
            made += 1
            if made == call:
                raise Killed
            return original(*args, **kwargs)

        return wrapper

    with monkeypatch.context() as patch:
        for name in ("fsync", "open", "mkdir", "rename", "rmdir", "unlink"):
            patch.setattr(os, name, counted(getattr(os, name)))
        with suppress(Killed):
            write(run_dir, 10, keep=1)
    return made


def test_a_kill_at_any_moment_leaves_a_whole_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    calls = calls_before_the_end(tmp_path, monkeypatch)
    assert calls >= 8
    survivors = set()
    for call in range(1, calls + 1):
        run_dir = tmp_path / str(call)
        fail_at(call, run_dir, monkeypatch)
        last = latest_checkpoint(run_dir)
        step = read_metadata(last)["step"]
        assert read_part(last, "model")["weight"][0, 0, 0, 0] == step
        survivors.add(step)
        write(run_dir, 15, keep=1)
        assert names(run_dir) == ["step-15"], "what the kill left behind goes with the next save"
    assert survivors == {5, 10}


def test_a_full_disk_is_an_error_that_says_what_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write(tmp_path, 5)

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(FacezooError, match="No space left on device") as error:
        write(tmp_path, 10)
    assert "step-5" in error.value.hint
    assert names(tmp_path) == ["step-5"]


@pytest.mark.parametrize("damage", ["cut", "missing", "json", "format"])
def test_a_damaged_checkpoint_is_a_clear_error(tmp_path: Path, damage: str):
    last = write(tmp_path, 5)
    weights, metadata = last / "model.safetensors", last / "checkpoint.json"
    if damage == "cut":
        weights.write_bytes(weights.read_bytes()[:-10])
    elif damage == "missing":
        weights.unlink()
    else:
        metadata.write_text("{" if damage == "json" else '{"format": 99}')
    with pytest.raises(FacezooError, match=r"model\.safetensors|checkpoint\.json"):
        read_part(last, "model") if damage in {"cut", "missing"} else read_metadata(last)


@pytest.mark.parametrize(
    "change",
    [lambda about: about.pop("imported"), lambda about: about.update(seed=0)],
    ids=["no run", "half a run"],
)
def test_a_checkpoint_is_of_a_run_or_of_imported_weights(tmp_path: Path, change):
    checkpoint = write(tmp_path, 5)
    assert "imported" in read_metadata(checkpoint)
    with pytest.raises(FacezooError, match=r"head and data and config.* missing"):
        read_metadata(rewrite(checkpoint, change))


def test_metadata_is_read_without_torch(tmp_path: Path):
    write(tmp_path, 5)
    code = (
        "import sys; from pathlib import Path; from facezoo.training import latest_checkpoint, read_metadata;"
        f"print(read_metadata(latest_checkpoint(Path({str(tmp_path)!r})))['step'], 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["5", "False"]


def test_there_is_no_pickle_in_it(tmp_path: Path):
    last = write(tmp_path, 5)
    assert {path.suffix for path in last.iterdir()} == {".json", ".safetensors"}
    assert json.loads((last / "checkpoint.json").read_text(encoding="utf-8"))
    assert not hasattr(module, "pickle")
