"""`evaluate` and `threshold` through the front door."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

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
    from facezoo.runs.network import open_network
    from support.scored import score_own_pairs

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


def test_several_benchmarks_come_from_one_pass(invoke, run, faces):
    asked = ["--benchmark", f"csv={faces / 'pairs.csv'}", "--benchmark", "all-pairs", "--data", str(faces)]
    refused = invoke("evaluate", run, *asked)
    assert "--data: benchmark csv has a list of its images" in refused.stderr
    asked = ["--benchmark", f"csv={faces / 'pairs.csv'}", "--benchmark", f"all-pairs={faces}"]
    lines = lines_of(invoke("evaluate", run, *asked, "--replicates", "20"))
    between = lines.index("")
    assert lines[:between] == lines_of(invoke("evaluate", run, "--replicates", "20"))
    pairs = "112 genuine and 384 impostor pairs"
    assert lines[between + 1] == f"{faces}: all pairs of 32 images of 4 identities: {pairs}"
    alone = invoke(
        "evaluate", "--model", run, "--data", str(faces), "--benchmark", "all-pairs", "--replicates", "20"
    )
    assert lines_of(alone) == lines[between + 1 :]
    content = json.loads(invoke("evaluate", run, *asked, "--replicates", "20", "--json").stdout)
    csv, every = content.values()
    assert list(content) == asked[1::2]
    assert csv["verification"]["genuine"] == 40
    assert (every["genuine"], every["impostor"], every["identities"]) == (112, 384, 4)
    assert [row["name"] for row in every["table"]["rows"]] == ["AUC", "EER", "TAR@FAR 0.1"]
    assert every["tar_at_far"][0]["accepted_impostors"] == 38


def test_embeddings_need_no_list_where_folders_are_people(invoke, tmp_path):
    rows = np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32)
    paths = np.array([f"set/p{n // 3}/{n}.jpg" for n in range(30)])
    np.savez(tmp_path / "e.npz", path=paths, embedding=rows)
    lines = lines_of(invoke("evaluate", "--embeddings", str(tmp_path / "e.npz"), "--benchmark", "all-pairs"))
    assert lines[0] == "e.npz: all pairs of 30 images of 10 identities: 30 genuine and 405 impostor pairs"
    assert lines[-1] == "lowest FAR: 0.025, which 10 of the 405 impostor pairs reach"
    uniform = invoke("evaluate", "--embeddings", str(tmp_path / "e.npz"), "--protocol", "uniform")
    assert "embeddings alone have no classes" in uniform.stderr


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
        (["RUN", "--protocol", "uniform"], "benchmark uniform: which images?"),
        (["RUN", "--benchmark", "all-pairs"], "benchmark all-pairs: which images?"),
        (["RUN", "--data", "faces"], "--data: for which benchmark?"),
        (["RUN", "--benchmark", "lfw=x", "--pairs", "y"], "and so do --pairs and --protocol"),
        (["RUN", "--benchmark", "lfw="], "--benchmark lfw=: not NAME or NAME=PATH"),
        (["RUN", "--benchmark", "csv"], "benchmark csv: which list?"),
        (
            ["RUN", "--protocol", "cpf-fp", "--pairs", "x"],
            "unknown benchmark 'cpf-fp'; did you mean 'cfp-fp'",
        ),
        (["RUN", "--model", "other"], "RUN and --model: two models"),
        (["--embeddings", "e.npz"], "--embeddings: which pairs?"),
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
    assert "one source of figures is needed" in invoke("threshold").stderr
    assert "which pairs?" in invoke("threshold", "--embeddings", "e.npz").stderr


@pytest.mark.parametrize("name", ["evaluate", "threshold"])
def test_help_imports_nothing_heavy(name):
    check = f"lambda: print('heavy:', sorted({HEAVY!r} & set(sys.modules)))"
    run = f"from facezoo_cli.main import main; main([{name!r}, '-h'])"
    code = f"import atexit, sys; atexit.register({check}); {run}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("heavy: []\n")
