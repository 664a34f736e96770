"""CFP's layout, its two benchmarks, and their figures on real embeddings."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from facezoo import FacezooError
from facezoo.benchmarks import Given, Options, PairsBenchmark, evaluate_embeddings, open_benchmark
from facezoo.data.pairs import NamedPair
from facezoo.evaluation.files import EmbeddingSet, read_embeddings
from facezoo_cfp.layout import read_cfp
from support.faces import real_data, write_cfp

IMAGES = ("001/frontal/01", "001/frontal/02", "002/frontal/01", "002/frontal/02", "001/profile/01")


def embeddings(root: Path) -> EmbeddingSet:
    return EmbeddingSet("e", tuple(f"cfp/{name}.jpg" for name in (*IMAGES, "002/profile/01")), np.eye(6))


@pytest.mark.parametrize(
    ("name", "accuracy", "auc", "again"), [("cfp-ff", 98.59, 0.99878, 130), ("cfp-fp", 90.43, 0.95682, 0)]
)
def test_the_figures_of_somebody_elses_embeddings(name, accuracy, auc, again):
    found = read_embeddings(real_data("embeddings") / "cfp.npz")
    asked = Given(path=str(real_data("cfp")), embeddings=found, options=Options(replicates=0))
    benchmark = open_benchmark(name, asked)
    assert isinstance(benchmark, PairsBenchmark)
    assert (len(benchmark.pairs), benchmark.left_out, benchmark.pairs.listing.again) == (7000, 0, again)
    assert np.bincount(benchmark.pairs.fold).tolist() == [700] * 10
    (result,) = evaluate_embeddings(found, [benchmark])
    assert round(100 * result.main.value, 2) == accuracy
    assert result.figures["auc"] == pytest.approx(auc, abs=5e-5)
    assert [point.far for point in result.assessment.operating] == [0.1, 0.01]  # 1e-3 of 3,500 is too few
    assert result.scored.units.known


def test_numbers_mean_images(tmp_path: Path):
    root = write_cfp(tmp_path)
    assert read_cfp(root, "FP") == [
        NamedPair("001/frontal/01.jpg", "001/profile/01.jpg", True, 0),
        NamedPair("002/frontal/01.jpg", "002/profile/01.jpg", True, 0),
        NamedPair("001/frontal/02.jpg", "002/profile/01.jpg", False, 0),
    ]
    assert read_cfp(root, "FF")[3].b == "002/frontal/02.jpg"
    benchmark = open_benchmark("cfp-fp", Given(path=str(root), embeddings=embeddings(root)))
    assert (benchmark.name, len(benchmark.images)) == ("CFP-FP", 5)  # one frontal image is in no pair


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("Protocol/Split/FF/01/same.txt", "1,9\n", r"same\.txt, line 1: '1,9'"),
        ("Protocol/Split/FF/01/diff.txt", "1;2\n", r"diff\.txt, line 1"),
        ("Protocol/Pair_list_F.txt", "one ../a.jpg", r"Pair_list_F\.txt, line 1"),
        ("Protocol/Pair_list_F.txt", "1 a.jpg\n1 b.jpg\n", r"Pair_list_F\.txt, line 2"),
        ("Protocol/Pair_list_F.txt", None, r"Pair_list_F\.txt: cannot be read"),
    ],
)
def test_damaged_lists_are_named(tmp_path: Path, file, content, message):
    root = write_cfp(tmp_path)
    (root / file).unlink() if content is None else (root / file).write_text(content)
    with pytest.raises(FacezooError, match=message):
        read_cfp(root, "FF")


def test_a_folder_holds_two_benchmarks_of_which_one_must_be_said(tmp_path: Path):
    root = write_cfp(tmp_path / "cfp")
    with pytest.raises(FacezooError, match=r"may be for several benchmarks: cfp-ff, cfp-fp") as error:
        open_benchmark(None, Given(path=str(root)))
    assert "evaluate.protocol" in error.value.hint
    with pytest.raises(FacezooError, match=r"Pair_list_F\.txt: cannot be read"):
        open_benchmark("cfp-ff", Given(path=str(tmp_path)))
    with pytest.raises(FacezooError, match="benchmark cfp-ff: which list"):
        open_benchmark("cfp-ff", Given())
    shutil.rmtree(root / "Protocol" / "Split" / "FF")
    with pytest.raises(FacezooError, match="holds no folds"):
        open_benchmark("cfp-ff", Given(path=str(root)))


FILES = [
    *("Protocol/Pair_list_F.txt", "Protocol/Pair_list_P.txt"),
    *("Protocol/Split/FP/01/same.txt", "Protocol/Split/FP/01/diff.txt"),
]
LINES = st.sampled_from(
    ["1 ../Data/Images/1/1.jpg\n", "1,1\n", "2 x\n", "1,2\n", "1", ",", " ", "\0", "\n", "²"]
)


@pytest.mark.slow
@pytest.mark.soak
@given(st.sampled_from(FILES), st.lists(LINES, max_size=6).map("".join) | st.binary(max_size=40))
def test_any_list_is_read_or_an_error(tmp_path_factory, file: str, content: str | bytes):
    root = write_cfp(tmp_path_factory.mktemp("cfp"))
    (root / file).write_bytes(content if isinstance(content, bytes) else content.encode())
    try:
        pairs = read_cfp(root, "FP")
    except FacezooError as error:
        found = str(error)
        assert len(found) < 1000
    else:
        assert all(pair.fold == 0 for pair in pairs)
