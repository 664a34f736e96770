"""Embeddings and protocols from anywhere: reading, finding names, CFP's layout, and the real figures."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from facezoo import FacezooError
from facezoo.data.pairs import NamedPair
from facezoo.data.protocols import ListedPairs, read_protocol
from facezoo.evaluation import assess
from facezoo.evaluation.files import read_embeddings
from facezoo.evaluation.lookup import Lookup
from facezoo.evaluation.scoring import score_embeddings
from support.faces import real_data, write_cfp


@pytest.mark.parametrize(
    ("protocol", "file", "folder", "accuracy", "auc"),
    [
        ("lfw", "lfw.npz", "lfw", 98.7, 0.99840),
        ("cfp-ff", "cfp.npz", "cfp", 98.6, 0.99878),
        ("cfp-fp", "cfp.npz", "cfp", 90.4, 0.95682),
    ],
)
def test_the_figures_of_somebody_elses_embeddings(protocol, file, folder, accuracy, auc):
    listed = read_protocol(real_data(folder), protocol)
    scored = score_embeddings(read_embeddings(real_data("embeddings") / file), listed)
    assert (len(scored.same), len(np.unique(scored.fold)), scored.left_out) == (len(listed.pairs), 10, 0)
    found = assess(scored.scores, scored.same, scored.fold, scored.units, replicates=200)
    assert 100 * found.verification.accuracy == pytest.approx(accuracy, abs=0.1)
    assert found.verification.auc == pytest.approx(auc, abs=5e-5)
    assert found.accuracy.low < found.verification.accuracy < found.accuracy.high
    assert "identities" in found.method
    assert [point.far for point in found.operating] == [0.1, 0.01]  # 1e-3 of 3,000 is too few


def test_cfp_numbers_mean_images(tmp_path: Path):
    root = write_cfp(tmp_path)
    listed = read_protocol(root, "cfp-fp")
    assert listed.name == "CFP-FP"
    assert listed.roots[0] == root / "Data/Images"
    assert list(listed.pairs) == [
        NamedPair("001/frontal/01.jpg", "001/profile/01.jpg", True, 0),
        NamedPair("002/frontal/01.jpg", "002/profile/01.jpg", True, 0),
        NamedPair("001/frontal/02.jpg", "002/profile/01.jpg", False, 0),
    ]
    assert read_protocol(root, "cfp-ff").pairs[3].b == "002/frontal/02.jpg"


def test_the_real_lists_have_seven_thousand_pairs_in_ten_folds():
    for protocol in ("cfp-ff", "cfp-fp"):
        pairs = read_protocol(real_data("cfp"), protocol).pairs
        assert len(pairs) == 7000
        assert {pair.fold for pair in pairs} == set(range(10))
        assert sum(pair.same for pair in pairs) == 3500
        assert all((pair.a[:3] == pair.b[:3]) == pair.same for pair in pairs)


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
def test_damaged_cfp_lists_are_named(tmp_path: Path, file, content, message):
    root = write_cfp(tmp_path)
    (root / file).unlink() if content is None else (root / file).write_text(content)
    with pytest.raises(FacezooError, match=message):
        read_protocol(root, "cfp-ff")


def test_a_folder_tells_its_protocol_or_it_must_be_said(tmp_path: Path):
    with pytest.raises(FacezooError, match="CFP holds two protocols"):
        read_protocol(write_cfp(tmp_path / "cfp"))
    with pytest.raises(FacezooError, match=r"Pair_list_F\.txt: cannot be read"):
        read_protocol(tmp_path, "cfp-ff")
    shutil.rmtree(tmp_path / "cfp" / "Protocol" / "Split" / "FF")
    with pytest.raises(FacezooError, match="holds no folds"):
        read_protocol(tmp_path / "cfp", "cfp-ff")
    with pytest.raises(FacezooError, match=r"holds no pairs\.txt and pairs\.csv"):
        read_protocol(tmp_path)
    (tmp_path / "pairs.csv").write_text("a,b,same\nx/1,x/2,1\n")
    assert list(read_protocol(tmp_path).pairs) == [NamedPair("x/1", "x/2", True)]
    (tmp_path / "pairs.txt").write_text("1\nx\t1\t2\nx\t1\ty\t1\n")
    with pytest.raises(FacezooError, match="holds both"):
        read_protocol(tmp_path)
    assert len(read_protocol(tmp_path, "lfw").pairs) == 2
    with pytest.raises(FacezooError, match="not what protocol 'lfw' reads"):
        read_protocol(tmp_path / "pairs.csv", "lfw")
    with pytest.raises(FacezooError, match="unknown"):
        read_protocol(tmp_path, "lfv")


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
    scored = score_embeddings(read_embeddings(file), ListedPairs("p", pairs, ()), folds=2)
    assert (scored.left_out, scored.missing, len(scored.same)) == (1, ("y/9",), 2)
    with pytest.raises(FacezooError, match=r"e\.npz has none of the images of p, such as 'z'"):
        score_embeddings(read_embeddings(file), ListedPairs("p", [NamedPair("z", "z2", True)], ()))


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
