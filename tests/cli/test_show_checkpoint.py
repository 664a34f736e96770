"""`facezoo show-checkpoint`: provenance, contract and figures, without torch."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from facezoo.runs.written import read_metrics
from facezoo.training import latest_checkpoint, read_metadata, train
from support.checkpoints import flip_a_bit
from support.faces import identity_folder, pairs_csv
from support.stateful_head import run_settings


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("shown")
    data = identity_folder(home / "faces")
    pairs_csv(data)
    train(run_settings(data, evaluate={"every": 2}), home / "run")
    return home / "run"


def test_it_shows_where_a_run_stands(invoke, run: Path):
    result = invoke("show-checkpoint", str(run))
    assert result.exit_code == 0
    first, *rest = result.stdout.splitlines()
    assert first == f"{run / 'checkpoints' / 'step-16'}: 16 steps"
    shown = {line[2:16].strip(): line[16:] for line in rest}
    assert shown["head"] == "stateful of facezoo-tests 1.0, revision 1"
    assert shown["backbone"].startswith("small of facezoo ")
    assert shown["backbone"].endswith(", 16 dimensions")
    assert shown["files"] == "3 files, as written (SHA-256)"
    assert "lacking" not in shown
    assert shown["input"].startswith("32 x 32 pixels, RGB")
    assert shown["data"] == "24 images of 4 identities"
    assert shown["seed"] == "0"
    evaluation = json.loads((run / "evaluation.json").read_text())
    accuracy = evaluation["verification"]["accuracy"]
    assert shown["verification"].startswith(f"accuracy {100 * accuracy:.2f} % on pairs.csv")
    assert evaluation["best"]["step"] == 8 or "the best of the run" in shown["verification"]


def test_json_holds_all_of_it(invoke, run: Path):
    earlier = run / "checkpoints" / "step-8"
    shown = json.loads(invoke("show-checkpoint", str(earlier), "--json").stdout)
    file = invoke("show-checkpoint", "--model", str(earlier / "checkpoint.json"), "--json")
    assert json.loads(file.stdout) == shown
    figures = shown.pop("figures")
    assert shown.pop("path") == str(earlier)
    assert shown.pop("verified") is True
    assert shown == read_metadata(earlier)
    lines = [line for line in read_metrics(run) if line["step"] == 8]
    (verified,) = [line["verification"] for line in lines if line.get("event") == "verification"]
    (epoch,) = [line["loss"] for line in lines if line.get("event") == "epoch"]
    assert figures.pop("figure") == "accuracy"
    assert figures == {"loss": epoch, "verification": verified, "best": figures["best"]}


def test_imported_weights_are_shown_too(invoke, tmp_path: Path):
    about = {
        "format": 1,
        "step": 0,
        "imported": {"file": "published.pth", "sha256": "abc"},
        "backbone": {"name": "iresnet18", "dim": 512},
        "preprocessing": {
            "size": 112, "colour": "RGB", "mean": [127.5] * 3, "std": [127.5] * 3,
            "alignment": "five points", "crop": "none", "scaling": "bilinear",
        },
        "versions": {"facezoo": "0.1.0"},
    }  # fmt: skip
    (tmp_path / "checkpoint.json").write_text(json.dumps(about))
    result = invoke("show-checkpoint", str(tmp_path))
    assert result.exit_code == 0, result.output
    assert "published.pth, SHA-256 abc" in result.stdout
    assert "alignment: five points" in result.stdout
    assert "seed" not in result.stdout
    assert "lacking       no digests, so that damage to its files is not noticed\n" in result.stdout
    assert json.loads(invoke("show-checkpoint", str(tmp_path), "--json").stdout)["verified"] is False


def test_damage_to_any_file_is_shown_as_that(invoke, run: Path, tmp_path: Path):
    copy = Path(shutil.copytree(run, tmp_path / "run"))
    for name in ("model.safetensors", "head.safetensors", "optimizer.safetensors"):
        flip_a_bit(copy / "checkpoints" / "step-16" / name, 3000)
        result = invoke("show-checkpoint", str(copy))
        assert (result.exit_code, result.stdout) == (2, "")
        message, hint = result.stderr.splitlines()
        assert message.endswith(
            f"step-16/{name}: damaged: its SHA-256 is not the one that checkpoint.json has"
        )
        assert f"The last good one before it is {copy / 'checkpoints' / 'step-8'}." in hint
        flip_a_bit(copy / "checkpoints" / "step-16" / name, 3000)
    assert invoke("show-checkpoint", str(copy)).exit_code == 0
    (copy / "evaluation.json").write_text('{"step": 16, "pairs": 5}')
    damaged = invoke("show-checkpoint", str(copy))
    assert damaged.exit_code == 2
    assert "evaluation.json: cannot be read (pairs: input should be a valid string; it is 5" in damaged.stderr


def test_a_folder_without_a_checkpoint_is_an_error(invoke, tmp_path: Path):
    result = invoke("show-checkpoint", str(tmp_path))
    assert result.exit_code == 2
    assert "neither a checkpoint nor a run directory with one" in result.stderr


def test_torch_is_not_imported(run: Path):
    code = (
        "import sys; from facezoo_cli.main import cli;"
        f"cli.main(['show-checkpoint', {str(latest_checkpoint(run))!r}], standalone_mode=False);"
        "print(sorted({'torch', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
