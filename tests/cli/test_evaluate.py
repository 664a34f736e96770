"""`evaluate`, `embed` and `threshold` through the front door."""

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

from facezoo.evaluation.files import read_embeddings
from support.faces import identity_folder, pairs_csv, real_data

HEAVY = {"torch", "numpy", "pydantic", "rich", "PIL", "safetensors", "matplotlib"}
RECIPE = ["--set", "train.epochs=1", "--set", "data.size=32", "--set", "data.cache=none"]


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = identity_folder(tmp_path_factory.mktemp("faces"), images=8)
    pairs_csv(root, images=5)
    return root


@pytest.fixture(scope="module")
def run(faces: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    from click.testing import CliRunner

    from facezoo_cli.main import cli

    out = str(tmp_path_factory.mktemp("runs") / "run")
    args = ["train", "--head", "cosface", "--data", str(faces), "--pairs", str(faces / "pairs.csv")]
    result = CliRunner().invoke(cli, [*args, *RECIPE, "--out", out])
    assert result.exit_code == 0, result.output
    return out


@pytest.fixture(scope="module")
def threshold_run(faces: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A run whose head learns a threshold."""
    from click.testing import CliRunner

    from facezoo_cli.main import cli

    out = str(tmp_path_factory.mktemp("runs") / "run")
    args = ["train", "--head", "uniface", "--data", str(faces), "--pairs", str(faces / "pairs.csv")]
    result = CliRunner().invoke(cli, [*args, *RECIPE, "--preset", "small", "--out", out])
    assert result.exit_code == 0, result.output
    return out


def lines_of(result) -> list[str]:
    assert result.exit_code == 0, result.output
    return result.stdout.splitlines()


def test_a_run_is_evaluated_on_its_own_pairs_or_on_others(invoke, run, faces):
    lines = lines_of(invoke("evaluate", run))
    assert lines[0].startswith("pairs.csv: 40 genuine and 150 impostor pairs, 10-fold; one constant answer")
    assert [line.split()[0] for line in lines[2:6]] == ["accuracy", "AUC", "EER", "TAR@FAR"]
    assert "15 of 150 impostor pairs reach" in lines[5]
    assert lines[6:] == [
        "intervals: bootstrap over 4 identities, 1,000 replicates",
        "lowest FAR: 0.067, which 10 of the 150 impostor pairs reach",
    ]
    named = lines_of(invoke("evaluate", run, "--pairs", str(faces / "pairs.csv")))
    assert named == lines


def test_json_holds_fractions(invoke, run):
    content = json.loads(invoke("evaluate", run, "--json", "--far", "0.2", "--replicates", "50").stdout)
    assert content["verification"]["genuine"] == 40
    assert content["tar_at_far"][0]["accepted_impostors"] == 30
    assert 0 <= content["intervals"]["auc"]["low"] <= content["verification"]["auc"] <= 1
    assert content["method"] == "bootstrap over 4 identities, 50 replicates"


def test_pairs_are_judged_by_the_threshold_of_the_head(invoke, threshold_run):
    from facezoo.evaluation.scoring import score_own_pairs
    from facezoo.runs.network import open_network

    network = open_network(Path(threshold_run))
    learned, pairs = network.loss.threshold, score_own_pairs(network)
    right = ((pairs.scores >= learned) == pairs.same).mean()
    lines = lines_of(invoke("evaluate", threshold_run, "--replicates", "50"))
    assert lines[3].startswith(f"own threshold{100 * right:11.2f}   ")
    own = json.loads(invoke("evaluate", threshold_run, "--json", "--replicates", "50").stdout)
    chosen = np.mean(own["verification"]["thresholds"])
    assert lines[3].endswith(f"   {learned:.4f}, of the head; the folds chose {chosen:.4f} on average")
    assert [line.split()[0] for line in lines[2:6]] == ["accuracy", "own", "AUC", "EER"]
    own = own["own_threshold"]
    assert (own["threshold"], own["accuracy"]) == pytest.approx((learned, right))
    assert own["interval"]["method"] == "bootstrap over 4 identities, 50 replicates"


def test_a_head_without_a_threshold_is_not_built_to_say_so(invoke, run, monkeypatch):
    monkeypatch.setattr("facezoo.runs.network.build_loss", None)
    assert json.loads(invoke("evaluate", run, "--json", "--replicates", "2").stdout)["own_threshold"] is None


def test_a_head_that_is_not_there_takes_only_its_threshold_away(invoke, threshold_run, monkeypatch):
    lines = lines_of(invoke("evaluate", threshold_run))
    monkeypatch.setenv("FACEZOO_DISABLE", "uniface")
    without = lines_of(invoke("evaluate", threshold_run))
    assert without[:-1] == [line for line in lines if not line.startswith("own threshold")]
    assert without[-1].startswith("whether the head has a threshold of its own is not known: head 'uniface'")


def test_a_threshold_that_is_no_number_takes_only_itself_away(invoke, threshold_run, monkeypatch):
    monkeypatch.setattr("facezoo.runs.network.Network.learned_threshold", float("nan"))
    lines = lines_of(invoke("evaluate", threshold_run, "--replicates", "2"))
    assert lines[2].startswith("accuracy")
    assert lines[-1].endswith("is not known: threshold: nan is not a finite number")


def test_the_gap_to_the_threshold_of_the_head(invoke, threshold_run, faces):
    lines = lines_of(invoke("evaluate", threshold_run, "--protocol", "uniform", "--data", str(faces)))
    content = invoke("evaluate", threshold_run, "--protocol", "uniform", "--data", str(faces), "--json")
    figures = json.loads(content.stdout)["uniform"]
    assert figures["gap"] == pytest.approx(abs(figures["threshold"] - figures["learned"]))
    said = f"the loss learned the threshold {figures['learned']:.4f}: {figures['gap']:.4f} away"
    assert said in lines


def test_embeddings_of_a_run_are_evaluated_like_the_run(invoke, run, faces, tmp_path):
    out, left_out = str(tmp_path / "e.npz"), tmp_path / "left out.txt"
    embedded = lines_of(invoke("embed", run, str(faces), "-o", out, "--left-out", str(left_out)))
    assert embedded[0].startswith(f"{out}: 32 embeddings, with")
    assert left_out.read_text() == ""
    ours = lines_of(invoke("evaluate", "--embeddings", out, "--pairs", str(faces)))
    own = lines_of(invoke("evaluate", run))
    assert [line.split()[1] for line in ours[2:5]] == [line.split()[1] for line in own[2:5]]
    again = invoke("embed", run, str(faces), "-o", out)
    assert (again.exit_code, again.stderr.splitlines()[0]) == (2, f"Error: {out}: exists already")


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
    from facezoo.evaluation import embed_folder

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


def test_where_identities_are_unknown_the_output_says_so(invoke, tmp_path):
    rows = np.random.default_rng(0).normal(size=(40, 4)).astype(np.float32)
    rows[1::2] = rows[::2] + 0.1
    np.savez(tmp_path / "e.npz", path=np.array([f"{n:02}.jpg" for n in range(40)]), embedding=rows)
    pairs = [f"{n:02},{n + 1:02},1" for n in range(0, 40, 2)] + [f"{n:02},{39 - n:02},0" for n in range(20)]
    (tmp_path / "pairs.csv").write_text("\n".join(["a,b,same", *pairs, "00,99,1"]))
    lines = lines_of(invoke("evaluate", "--embeddings", str(tmp_path / "e.npz"), "--pairs", str(tmp_path)))
    assert "left out: 1 of 41 pairs, whose images have no embedding (1 images, such as '99')" in lines
    assert "intervals: Wilson, pairs taken as independent" in lines
    assert any(line.startswith("AUC") and line.endswith("none") for line in lines)


def test_the_real_figures_with_their_refusals(invoke):
    file, pairs = str(real_data("embeddings") / "lfw.npz"), str(real_data("lfw"))
    lines = lines_of(invoke("evaluate", "--embeddings", file, "--pairs", pairs, "--protocol", "lfw"))
    assert [line.split()[:2] for line in lines if line.startswith("accuracy")] == [["accuracy", "98.68"]]
    refused = invoke("evaluate", "--embeddings", file, "--pairs", pairs, "--far", "1e-3")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "FAR 0.001 of 3,000 impostor pairs is 3 of them" in refused.stderr


def test_uniform_accuracy_and_geometry(invoke, run, faces, tmp_path):
    lines = lines_of(invoke("evaluate", run, "--protocol", "uniform", "--data", str(faces)))
    assert lines[0] == "uniform classification: 32 images of 4 identities"
    assert [line.split()[0] for line in lines[2:5]] == ["A_uni", "A_class", "A_sample"]
    assert lines[5].startswith("these are the training images")
    angles = lines_of(invoke("evaluate", run, "--protocol", "geometry", "--data", str(faces)))
    assert lines[6:] == angles
    assert angles[0] == "angles between embeddings: 32 images of 4 identities"
    shutil.copytree(faces, tmp_path / "faces")
    (tmp_path / "faces" / ".hidden").mkdir()
    for protocol in ("geometry", "uniform"):
        again = lines_of(invoke("evaluate", run, "--protocol", protocol, "--data", str(tmp_path / "faces")))
        assert "left out: 1 files or folders, which `facezoo data check` names" in again


def test_scores_of_any_classifier(invoke, tmp_path):
    scores = np.array([[0.9, 0.1], [0.2, 0.6], [0.5, 0.4]], np.float32)
    np.savez(tmp_path / "s.npz", score=scores, label=np.array([0, 1, 1]), threshold=np.array(0.25))
    lines = lines_of(invoke("evaluate", "--scores", str(tmp_path / "s.npz")))
    assert lines[2].split() == ["A_uni", "66.67", "one", "threshold", "for", "all,", "0.4000"]
    assert lines[-1] == "the loss learned the threshold 0.2500: 0.1500 away"
    np.savez(tmp_path / "s.npz", score=scores, label=np.array([0.0, 1, 1]))
    assert invoke("evaluate", "--scores", str(tmp_path / "s.npz")).exit_code == 2


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "one source of figures is needed; nothing was given"),
        (["RUN", "--scores", "s.npz"], "one source of figures is needed; run and scores were given"),
        (["RUN", "--protocol", "uniform"], "--protocol uniform: which images?"),
        (["RUN", "--data", "faces"], "--data: only for --protocol uniform or geometry"),
        (["--embeddings", "e.npz"], "--embeddings: which pairs?"),
        (["--embeddings", "e.npz", "--protocol", "uniform"], "embeddings alone have no classes"),
        (["nowhere"], "nowhere: neither a checkpoint nor a run directory"),
    ],
)
def test_what_does_not_fit_together_is_refused(invoke, run, args, message):
    result = invoke("evaluate", *(run if arg == "RUN" else arg for arg in args))
    assert result.exit_code == 2
    assert message in result.stderr


def test_a_threshold_comes_as_cosine_and_as_distance(invoke, run, faces):
    lines = lines_of(invoke("threshold", run, "--far", "0.1"))
    cosine, distance = (float(lines[row].split()[2]) for row in (2, 3))
    assert distance == pytest.approx((2 - 2 * cosine) ** 0.5, abs=0.02)
    content = json.loads(invoke("threshold", run, "--far", "0.1", "--json").stdout)
    assert content["l2"] == pytest.approx((2 - 2 * content["cosine"]) ** 0.5)
    low, high = (content["intervals"]["l2"][end] for end in ("low", "high"))
    assert low <= content["l2"] <= high
    assert content["intervals"]["cosine"]["high"] == pytest.approx(1 - low**2 / 2)
    assert "FAR 0.001 of 150 impostor pairs is 0 of them" in invoke("threshold", run).stderr
    assert "one source of scores is needed" in invoke("threshold").stderr
    assert "which pairs?" in invoke("threshold", "--embeddings", "e.npz").stderr


@pytest.mark.parametrize("name", ["evaluate", "embed", "threshold"])
def test_help_imports_nothing_heavy(name):
    check = f"lambda: print('heavy:', sorted({HEAVY!r} & set(sys.modules)))"
    run = f"from facezoo_cli.main import main; main([{name!r}, '-h'])"
    code = f"import atexit, sys; atexit.register({check}); {run}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("heavy: []\n")
