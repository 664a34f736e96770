"""`facezoo embed`: what it writes and leaves out, how it is interrupted, and two of them at once."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from facezoo import FacezooError
from facezoo.data.folder import find_images
from facezoo.evaluation.files import read_embeddings
from facezoo.runs.network import open_network
from facezoo_cli.main import cli
from facezoo_embed import embed_folder
from support.faces import identity_folder, pairs_csv
from support.scored import score_list, score_own_pairs

RECIPE = ["--set", "train.epochs=1", "--set", "data.size=32", "--set", "data.cache=none"]


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = identity_folder(tmp_path_factory.mktemp("faces"), images=8)
    pairs_csv(root, images=5)
    return root


@pytest.fixture(scope="module")
def run(faces: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    out = str(tmp_path_factory.mktemp("runs") / "run")
    args = ["train", "--head", "cosface", "--data", str(faces), "--pairs", str(faces / "pairs.csv")]
    lines_of(CliRunner().invoke(cli, [*args, *RECIPE, "--out", out]))
    return out


def lines_of(result) -> list[str]:
    assert result.exit_code == 0, result.output
    return result.stdout.splitlines()


def test_embeddings_of_a_run_are_evaluated_like_the_run(invoke, run, faces, tmp_path):
    out, left_out = str(tmp_path / "e.npz"), tmp_path / "left out.txt"
    embedded = lines_of(invoke("embed", run, str(faces), "-o", out, "--left-out", str(left_out)))
    assert embedded[0].startswith(f"{out}: 32 embeddings, with")
    assert left_out.read_text() == ""
    ours = lines_of(invoke("evaluate", "--embeddings", out, "--pairs", str(faces)))
    own = lines_of(invoke("evaluate", run))
    assert [line.split()[1] for line in ours[2:5]] == [line.split()[1] for line in own[2:5]]
    said = invoke("embed", "--model", run, str(faces), "-o", str(tmp_path / "json.npz"), "--json")
    assert json.loads(said.stdout) == {
        "out": str(tmp_path / "json.npz"),
        "images": 32,
        "checkpoint": str(open_network(Path(run)).checkpoint),
        "flip": True,
        "left_out": [],
    }
    assert "which images?" in invoke("embed", run, "-o", out).stderr
    again = invoke("embed", run, str(faces), "-o", out)
    assert (again.exit_code, again.stderr.splitlines()[0]) == (2, f"Error: {out}: exists already")


def test_the_rows_give_the_scores_of_the_run(run, faces, tmp_path):
    network = open_network(Path(run))
    found = embed_folder.embed_images(
        network, find_images(faces), tmp_path / "e.npz", flip=True, batch_size=5
    )
    assert (found.images, found.left_out) == (32, ())
    embeddings = read_embeddings(tmp_path / "e.npz")
    assert embeddings.paths == find_images(faces).names
    scores = score_list(embeddings, faces / "pairs.csv").scores
    np.testing.assert_allclose(scores, score_own_pairs(network).scores, atol=1e-6)
    assert not (tmp_path / "e.npz.partial").exists()
    with pytest.raises(FacezooError, match="exists already"):
        embed_folder.embed_images(network, find_images(faces), tmp_path / "e.npz", flip=True, batch_size=5)
    with np.load(tmp_path / "e.npz", allow_pickle=False) as file:  # noqa: TID251
        about = json.loads(str(file["about"]))
    assert about["flip"] is True
    assert about["preprocessing"] == network.preprocessing.as_dict()


def test_what_an_embedding_leaves_out_is_counted_and_listed(invoke, run, faces, tmp_path):
    root = tmp_path / "faces"
    for number in range(7):
        (root / "a").mkdir(parents=True, exist_ok=True)
        (root / "a" / f"{number}.png").touch()
    shutil.copy(next(faces.rglob("*.png")), root / "good.png")
    listed = tmp_path / "left out.txt"
    lines = lines_of(
        invoke("embed", run, str(root), "-o", str(tmp_path / "e.npz"), "--left-out", str(listed))
    )
    assert lines[1:] == [
        "left out: 7 files or folders",
        "  7 x empty file, such as a/0.png",
        "  --left-out FILE lists all",
    ]
    assert listed.read_text().splitlines() == [f"a/{number}.png: empty file" for number in range(7)]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_embedding_says_how_to_go_on(invoke, run, faces, tmp_path, monkeypatch, number):
    real, calls = embed_folder.embed_pixels, []

    def interrupted(*args, **kwargs):
        calls.append(args)
        if len(calls) == 2:
            os.kill(os.getpid(), number)
        return real(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(embed_folder, "embed_pixels", interrupted)
        result = invoke("embed", run, str(faces), "-o", str(tmp_path / "e.npz"), "--batch-size", "8")
    assert result.exit_code == 128 + number
    assert "The same command goes on." in result.stderr
    result = invoke("embed", run, str(faces), "-o", str(tmp_path / "e.npz"))
    assert "going on after 8 of 32 images" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["e.npz"]


@pytest.mark.slow
def test_of_two_commands_at_once_one_embeds(invoke, run, faces, tmp_path):
    command = [sys.executable, "-m", "facezoo_cli", "embed", run, str(faces), "--batch-size", "1", "-o"]
    both = [
        subprocess.Popen([*command, str(tmp_path / "e.npz")], stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [process.communicate()[1] for process in both]
    assert sorted(process.returncode for process in both) == [0, 2]
    refused = said[both[0].returncode == 0]
    assert "another process is embedding there" in refused or "exists already" in refused
    assert invoke("embed", run, str(faces), "-o", str(tmp_path / "alone.npz")).exit_code == 0
    found, alone = (read_embeddings(tmp_path / name) for name in ("e.npz", "alone.npz"))
    assert found.paths == alone.paths
    np.testing.assert_allclose(found.rows, alone.rows, rtol=1e-4, atol=1e-5)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["alone.npz", "e.npz"]
