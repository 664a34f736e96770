"""Embeddings and lists from anywhere: reading, finding names, and the real figures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from facezoo import FacezooError
from facezoo.benchmarks import Given, Options, evaluate_embeddings, open_benchmark
from facezoo.data.finder import Lookup
from facezoo.data.pairs import NamedPair
from facezoo.evaluation.files import EmbeddingSet, read_embeddings
from support.faces import real_data
from support.scored import score_embeddings


def test_the_figures_of_somebody_elses_embeddings():
    embeddings = read_embeddings(real_data("embeddings") / "lfw.npz")
    asked = Given(path=str(real_data("lfw")), embeddings=embeddings, options=Options(replicates=200))
    (found,) = evaluate_embeddings(embeddings, [open_benchmark("lfw", asked)])
    scored, figures = found.scored, found.assessment
    assert (len(scored.same), len(np.unique(scored.fold)), scored.left_out) == (6000, 10, 0)
    assert round(100 * figures.verification.accuracy, 2) == 98.68
    assert figures.verification.auc == pytest.approx(0.99840, abs=5e-5)
    assert figures.accuracy.low < figures.verification.accuracy < figures.accuracy.high
    assert "identities" in figures.method
    assert [point.far for point in figures.operating] == [0.1, 0.01]  # 1e-3 of 3,000 is too few


def given(path: Path) -> Given:
    return Given(path=str(path), embeddings=EmbeddingSet("e", ("x/1.jpg", "x/2.jpg", "y/1.jpg"), np.eye(3)))


def test_a_folder_tells_its_benchmark_or_it_must_be_said(tmp_path: Path):
    with pytest.raises(FacezooError, match="holds no list of pairs, and nothing else"):
        open_benchmark(None, given(tmp_path))
    with pytest.raises(FacezooError, match=r"holds no pairs\.txt and pairs\.csv"):
        open_benchmark("lfw", given(tmp_path))
    (tmp_path / "pairs.csv").write_text("a,b,same\nx/1,x/2,1\n")
    assert open_benchmark(None, given(tmp_path)).pairs.same.tolist() == [True]
    (tmp_path / "pairs.txt").write_text("1\nx\t1\t2\nx\t1\ty\t1\n")
    with pytest.raises(FacezooError, match="holds lists for csv and lfw"):
        open_benchmark(None, given(tmp_path))
    assert len(open_benchmark("csv", given(tmp_path)).pairs) == 1
    with pytest.raises(FacezooError, match="not what benchmark 'lfw' reads"):
        open_benchmark("lfw", given(tmp_path / "pairs.csv"))
    with pytest.raises(FacezooError, match="unknown benchmark 'lfv'; did you mean 'lfw'"):
        open_benchmark("lfv", given(tmp_path))
    with pytest.raises(FacezooError, match="benchmark lfw has a list of its images"):
        open_benchmark("lfw", replace(given(tmp_path), data="faces"))


PATHS = ["set/ann/ann_0001.jpg", "set/ann/ann_0002.jpg", "set/J. Smith/1.PNG", "set/Jose\u0301/1.jpg"]


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("ann/ann_0001", PATHS[0]),
        ("ann/ann_0002.jpg", PATHS[1]),
        ("set/ann/ann_0001.jpg", PATHS[0]),
        ("ann\\ann_0001.png", PATHS[0]),  # somebody converted the images
        ("J. Smith/1", PATHS[2]),
        ("Jos\u00e9/1.jpg", PATHS[3]),  # composed there, decomposed here
        ("ann_0001/ann_0001", None),
        ("other/set/ann/ann_0001.jpg", None),
    ],
)
def test_names_are_found_from_their_last_folders_on(name, path):
    assert Lookup(PATHS)(name) == path


def test_names_that_may_mean_several_images_are_refused():
    lookup = Lookup(["a/x/1.jpg", "b/x/1.jpg", "x/1.jpg", "c/2.jpg", "c/2.png"])
    assert lookup("x/1.jpg") == "x/1.jpg"  # one is exactly that
    assert lookup("c/2.png") == "c/2.png"
    with pytest.raises(FacezooError, match=r"'c/2' may mean 'c/2\.jpg' and 'c/2\.png'"):
        lookup("c/2")
    with pytest.raises(FacezooError, match="may mean"):
        lookup("1.jpg")


def save(file: Path, /, **arrays: np.ndarray) -> Path:
    np.savez(file, **arrays)
    return file


def test_pairs_without_an_embedding_are_left_out_and_counted(tmp_path: Path):
    rows = np.eye(4, dtype=np.float16)
    file = save(tmp_path / "e.npz", path=np.array([f"x/{n}.jpg" for n in range(4)]), embedding=rows)
    pairs = [NamedPair("x/0", "x/1", True), NamedPair("x/2", "y/9", False), NamedPair("x/2", "x/3", True)]
    scored = score_embeddings(read_embeddings(file), pairs, folds=2)
    assert (scored.left_out, scored.missing, len(scored.same)) == (1, ("y/9",), 2)
    with pytest.raises(FacezooError, match=r"e\.npz has none of the images of p, such as 'z'"):
        score_embeddings(read_embeddings(file), [NamedPair("z", "z2", True)])


PATH = np.array(["a", "b"])


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"path": PATH}, "has no array 'embedding'"),
        ({"path": PATH, "embedding": np.ones((3, 2))}, "do not fit"),
        ({"path": PATH, "embedding": np.ones((2, 2), int)}, "do not fit"),
        ({"path": np.arange(2), "embedding": np.ones((2, 2))}, "do not fit"),
        ({"path": PATH[:0], "embedding": np.ones((0, 2))}, "do not fit"),
        ({"path": PATH.astype(object), "embedding": np.ones((2, 2))}, "'path' holds Python objects"),
        ({"path": PATH[[0, 0]], "embedding": np.ones((2, 2))}, "'a' stands there twice"),
    ],
)
def test_files_that_hold_something_else_are_refused(tmp_path: Path, arrays, message):
    with pytest.raises(FacezooError, match=message):
        read_embeddings(save(tmp_path / "e.npz", **arrays))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"no zip at all", None])
def test_files_that_are_no_archives_are_refused(tmp_path: Path, content):
    if content is not None:
        (tmp_path / "e.npz").write_bytes(content)
    with pytest.raises(FacezooError, match=r"e\.npz: cannot be read"):
        read_embeddings(tmp_path / "e.npz")
