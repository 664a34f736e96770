"""The word `orl` means the embedded faces in every door, and `./orl` a folder of that name."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from facezoo import FacezooError
from facezoo.data import open_pairs
from facezoo.data.opening import open_all, open_faces
from facezoo.data.orl import held_out_pairs
from facezoo.data.protocols import read_protocol
from facezoo_cli.main import cli


@pytest.fixture
def beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder `orl` in the working directory, with pairs of two people who are not the embedded ones."""
    for name in ("a/1.png", "b/1.png"):
        (tmp_path / "orl" / name).parent.mkdir(parents=True)
        Image.new("RGB", (16, 16)).save(tmp_path / "orl" / name)
    (tmp_path / "orl" / "pairs.csv").write_text("a,b,same\na/1,b/1,0\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_word_is_the_embedded_faces_and_a_folder_of_that_name_is_mentioned(beside: Path):
    with pytest.warns(UserWarning, match=r"`orl` means the embedded .*; the folder of that name is \./orl"):
        assert len(open_faces("orl")) == 300
    with pytest.warns(UserWarning, match="the folder of that name"):
        assert len(read_protocol("orl").pairs) == 4950
    with pytest.warns(UserWarning, match="the folder of that name"):
        assert len(open_all("orl")) == 400
    assert len(open_faces("./orl")) == 2
    assert len(read_protocol("./orl").pairs) == len(read_protocol(Path("orl")).pairs) == 1
    assert open_all("./orl").names == ("a/1.png", "b/1.png")


def test_the_embedded_pairs_are_the_same_in_every_door():
    own = held_out_pairs()
    files, pairs = own.images, own.pairs
    for test in (
        open_pairs("orl", "auto", "elsewhere", 16, 2**30),
        open_pairs("auto", "auto", "orl", 16, 2**30),
    ):
        assert test is not None
        assert test.name == "AT&T/ORL s31-s40, all pairs"
        assert test.store.images.names == files.names
        assert np.array_equal(test.pairs.left, pairs.left)
        assert np.array_equal(test.pairs.right, pairs.right)
        assert np.array_equal(test.pairs.same, pairs.same)
    with pytest.raises(FacezooError, match="orl: cannot be read"):
        read_protocol("orl", "lfw")


def test_embeddings_of_the_embedded_faces_are_evaluated_by_the_word(beside: Path):
    files = held_out_pairs().images
    rows = np.random.default_rng(0).normal(size=(len(files), 8)).astype(np.float32)
    np.savez("e.npz", path=np.array(files.names), embedding=rows)
    asked = ("evaluate", "--embeddings", "e.npz", "--pairs", "orl", "--replicates", "0", "--json")
    shown = CliRunner().invoke(cli, asked)
    assert shown.exit_code == 0, shown.output
    assert json.loads(shown.stdout)["pairs"] == "AT&T/ORL s31-s40, all pairs"
    there = CliRunner().invoke(cli, [text.replace("orl", "./orl") for text in asked])
    assert "e.npz has none of the images of orl/pairs.csv" in there.stderr
