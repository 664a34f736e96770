"""What `evaluate` and `threshold` say of a list as a whole, and of images that failed to enrol."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

PEOPLE, IMAGES = 6, 4


@pytest.fixture
def embeddings(tmp_path: Path) -> Path:
    """A file of embeddings of a few people, and lists of their pairs beside it."""
    random = np.random.default_rng(0)
    names = [f"p{p}/{n}.png" for p in range(PEOPLE) for n in range(IMAGES)]
    rows = np.repeat(random.normal(size=(PEOPLE, 8)), IMAGES, 0) + random.normal(0, 0.3, (len(names), 8))
    np.savez(tmp_path / "e.npz", path=np.array(names), embedding=rows)
    zeros = rows.copy()
    zeros[[5, 9]] = 0
    np.savez(tmp_path / "zeros.npz", path=np.array(names), embedding=zeros)
    lines = [f"{a},{b},{int(a[:2] == b[:2])}" for n, a in enumerate(names) for b in names[n + 1 :]]
    mirrored = [",".join([*reversed(line.split(",")[:2]), line[-1]]) for line in lines]
    written = {
        "once": lines,
        "both ways": lines + mirrored,
        "itself": [*lines, "p1/2.png,p1/2,1"],
        "both labels": [*lines, "p1/2.png,p0/2,1"],
        "turned": [f"{line[:-1]}{1 - int(line[-1])}" for line in lines],
        "wrong": [line.replace("p0/0.png,p0/1.png,1", "p0/0.png,p0/1.png,0") for line in lines],
    }
    for name, content in written.items():
        (tmp_path / f"{name}.csv").write_text("\n".join(["a,b,same", *content]))
    return tmp_path


@pytest.fixture
def told(invoke, embeddings):
    """Evaluate a list by a file of embeddings; lines of text, or what --json gives."""

    def evaluate(command: str, pairs: str, *more: str, file: str = "e"):
        args = ["--embeddings", str(embeddings / f"{file}.npz"), "--pairs", str(embeddings / f"{pairs}.csv")]
        result = invoke(command, *args, "--replicates", "20", *more)
        if result.exit_code:
            assert (result.exit_code, result.stdout) == (2, "")
            return result.stderr
        return json.loads(result.stdout) if "--json" in more else result.stdout.splitlines()

    return evaluate


def test_pairs_that_are_listed_again_are_counted(told):
    once, twice = told("evaluate", "once"), told("evaluate", "both ways")
    again = (
        "listed again: 276 of 552 pairs, as they are or mirrored; what a rate rests on are the distinct ones"
    )
    assert twice[1] == again
    assert twice[-1] == "lowest FAR: 0.042, which 10 of the 240 distinct impostor pairs reach"
    assert once[-1] == "lowest FAR: 0.042, which 10 of the 240 impostor pairs reach"
    assert again in told("threshold", "both ways", "--far", "0.1")
    for command in ("evaluate", "threshold"):
        assert told(command, "both ways", "--json", "--far", "0.1")["listed_again"] == 276
        assert told(command, "once", "--json", "--far", "0.1")["listed_again"] == 0
        assert "FAR 0.03 of 240 distinct impostor pairs is 7" in told(command, "both ways", "--far", "0.03")


@pytest.mark.parametrize("command", ["evaluate", "threshold"])
def test_what_no_list_may_hold_is_refused(told, command):
    assert "1 of 277 pairs are an image against itself: 'p1/2.png'" in told(command, "itself")
    assert "1 pairs are listed both as genuine and as impostor: 'p1/2.png' and" in told(
        command, "both labels"
    )
    turned = told(command, "turned", "--far", "0.1")
    assert "the AUC is 0.0" in turned
    assert "may be exchanged in the labels" in turned


def test_labels_that_contradict_the_folders_are_named_and_the_rest_keep_their_identities(told):
    lines = told("evaluate", "wrong")
    said = "contradictory: the labels of 1 of 276 pairs are not what the folders of their images say "
    assert lines[1] == f"{said}('p0/0.png' 'p0/1.png' impostor)"
    assert "intervals: bootstrap over 6 identities, 20 replicates" in lines
    content = told("evaluate", "wrong", "--json")
    assert content["contradictions"] == 1
    assert content["contradicting"] == [{"a": "p0/0.png", "b": "p0/1.png", "same": False, "fold": None}]


def test_images_that_failed_to_enrol_count_as_is_said(told, invoke, embeddings):
    refused = told("evaluate", "once", file="zeros")
    assert "once.csv: 2 of 24 embeddings are zero or not finite, such as 'p1/1.png', 'p2/1.png'" in refused
    assert "--failed reject (never accepted) or --failed drop (left out)" in refused
    assert "failed to enrol" in told("threshold", "once", file="zeros")
    rejected = told("evaluate", "once", "--failed", "reject", file="zeros")
    line = "failed to enrol: 2 images; their 45 pairs are rejected ('p1/1.png', 'p2/1.png')"
    assert rejected[0].startswith("once.csv: 36 genuine and 240 impostor pairs")
    assert rejected[1] == line
    dropped = told("evaluate", "once", "--failed", "drop", file="zeros")
    assert dropped[0].startswith("once.csv: 30 genuine and 201 impostor pairs")
    assert dropped[1] == line.replace("rejected", "left out")
    assert line in told("threshold", "once", "--failed", "reject", "--far", "0.1", file="zeros")
    for taken_as in ("reject", "drop"):
        content = told("evaluate", "once", "--failed", taken_as, "--json", file="zeros")
        assert content["failed"] == {"images": ["p1/1.png", "p2/1.png"], "pairs": 45, "taken_as": taken_as}
    # 6 of 36 genuine pairs are false non-matches at any threshold, and no impostor pair is a false match
    half = told("evaluate", "once", "--failed", "reject", "--far", "0.5", "--json", file="zeros")
    (point,) = half["tar_at_far"]
    assert (point["genuine"], point["accepted_genuine"], point["accepted_impostors"]) == (36, 30, 120)
    geometry = ["evaluate", "--embeddings", str(embeddings / "zeros.npz"), "--protocol", "geometry"]
    assert "2 of 24 embeddings" in invoke(*geometry).stderr
    assert "has no angle" in invoke(*geometry, "--failed", "reject").stderr
    lines = invoke(*geometry, "--failed", "drop").stdout.splitlines()
    assert lines[0] == "angles between embeddings: 22 images of 6 identities"
    assert lines[-1] == "failed to enrol: 2 images, which are left out"


def test_a_long_list_of_names_is_cut(told, embeddings):
    with np.load(embeddings / "e.npz", allow_pickle=False) as file:  # noqa: TID251
        path, rows = file["path"], file["embedding"].copy()
    rows[::3] = np.nan
    np.savez(embeddings / "nan.npz", path=path, embedding=rows)
    line = told("evaluate", "once", "--failed", "reject", file="nan")[1]
    assert line.startswith(
        "failed to enrol: 8 images; their 156 pairs are rejected ('p0/0.png', 'p0/3.png', "
    )
    assert line.endswith(", and 5 more: --json)")


def test_distances_are_for_scores(invoke, embeddings):
    file, pairs = str(embeddings / "e.npz"), str(embeddings / "once.csv")
    refused = invoke("evaluate", "--embeddings", file, "--pairs", pairs, "--distances")
    assert refused.exit_code == 2
    assert "what is compared are cosines" in refused.stderr
    score = np.eye(3)[[0, 1, 2, 1]]
    np.savez(embeddings / "s.npz", score=1 - score, label=np.array([0, 1, 2, 1]))
    assert (
        "say so (distances=True; --distances"
        in invoke("evaluate", "--scores", str(embeddings / "s.npz")).stderr
    )
    lines = invoke("evaluate", "--scores", str(embeddings / "s.npz"), "--distances").stdout.splitlines()
    assert lines[2].split()[:2] == ["A_uni", "100.00"]
