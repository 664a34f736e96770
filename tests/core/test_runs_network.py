"""Networks out of runs: embedding a folder that can be interrupted, uniform accuracy, the run's own pairs."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import facezoo.evaluation.scoring as scoring
from facezoo import FacezooError
from facezoo.data.folder import find_images
from facezoo.data.protocols import read_protocol
from facezoo.engine.classes import Prototypes
from facezoo.evaluation.classification import classify, geometry_of_embeddings, geometry_of_folder
from facezoo.evaluation.files import read_embeddings
from facezoo.evaluation.scoring import score_network, score_own_pairs
from facezoo.registry import load_head
from facezoo.runs.checkpoint import find_checkpoint
from facezoo.runs.network import Network, open_network
from facezoo.training import train
from facezoo.training.parts import build_parts
from facezoo_embed.embed_folder import embed_images
from support.faces import identity_folder, pairs_csv
from support.stateful_head import run_settings


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = identity_folder(tmp_path_factory.mktemp("faces"))
    pairs_csv(root)
    return root


@pytest.fixture(scope="module")
def run(data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict]:
    """A run with an installed head, and what its evaluation.json holds."""
    out = tmp_path_factory.mktemp("runs") / "run"
    changes = {"data": {"cache": "none"}, "train": {"epochs": 3, "precision": "float32"}}
    return out, train(run_settings(data, load_head("cosface"), **changes), out)


@pytest.fixture
def network(run) -> Network:
    return open_network(run[0])


def test_a_run_or_a_checkpoint_may_be_named(run, network: Network, tmp_path: Path):
    out = run[0]
    assert find_checkpoint(out) == find_checkpoint(network.checkpoint) == network.checkpoint
    assert not network.backbone.training
    assert network.loss.prototypes.weight.shape == (4, 16)
    with pytest.raises(FacezooError, match="neither a checkpoint nor a run directory"):
        open_network(tmp_path)


def test_a_head_is_built_for_as_many_passes_as_its_run_had(network: Network, data: Path):
    train = {"epochs": 3, "accumulate": 2}
    parts = build_parts(run_settings(data, load_head("cosface"), train=train))
    config = {**network.config, "train": {**network.config["train"], **train}}
    again = replace(network, metadata={**network.metadata, "config": config})
    assert again.loss.context == parts.loss.context


def test_a_run_is_found_to_have_the_figures_that_it_had(run, network: Network, data: Path):
    from facezoo.evaluation import verify

    own = score_own_pairs(network)
    assert verify(own.scores, own.same, own.fold).as_dict() == run[1]["verification"]
    assert own.units.count == 4
    named = score_network(network, read_protocol(data / "pairs.csv"), None)
    np.testing.assert_array_equal(named.scores, own.scores)


def test_images_that_declare_another_contract_are_refused(network: Network, data: Path, tmp_path: Path):
    root = shutil.copytree(data, tmp_path / "declared")
    (root / "facezoo.toml").write_text('[preprocessing]\ncolour = "BGR"\n')
    with pytest.raises(FacezooError, match="declares images that do not fit the backbone"):
        score_network(network, read_protocol(root / "pairs.csv"), None)


def test_uniform_accuracy_of_held_out_images(network: Network, data: Path, tmp_path: Path):
    held = tmp_path / "held"
    identity_folder(held, identities=5, images=3)
    (held / "person 0").rename(held / "person 9")  # a stranger, as is person 4
    found = classify(network, str(held))
    assert (found.strangers, found.trained_on) == (2, False)
    assert (found.uniform.samples, found.uniform.classes) == (9, 3)
    # the slow way: all cosines, every threshold
    embed_images(network, find_images(held), tmp_path / "e.npz", flip=True, batch_size=50)
    embeddings = read_embeddings(tmp_path / "e.npz")
    weight = torch.nn.functional.normalize(network.loss.prototypes.weight.detach()).numpy()
    samples = []
    for path, row in zip(embeddings.paths, embeddings.rows, strict=True):
        label = int(path.split("/")[0].removeprefix("person "))
        if label in (1, 2, 3):
            cosines = (weight @ row / np.linalg.norm(row)).tolist()
            samples.append((cosines.pop(label), max(cosines)))
    best = max(sum(other < t <= own for own, other in samples) for t, _ in samples)
    assert found.uniform.uni == best / 9
    assert found.uniform.by_sample == sum(other < own for own, other in samples) / 9


def test_training_images_are_recognised_as_such(network: Network, data: Path):
    found = classify(network, str(data))
    assert found.trained_on
    assert found.geometry == geometry_of_folder(network, str(data))


def test_class_vectors_that_were_never_trained_give_no_figures(network: Network, data: Path):
    loss = network.loss
    loss.prototypes.weight.data.copy_(Prototypes(4, 16, seed=loss.context.seed).weight)
    with pytest.raises(FacezooError, match="head 'cosface' has not trained its class vectors"):
        classify(network, str(data))
    assert geometry_of_folder(network, str(data)).images == 24


def test_a_network_that_gives_an_image_no_direction_has_failed_there(
    network: Network, data: Path, monkeypatch
):
    real = scoring.embed

    def failing(*args, **kwargs):
        rows = real(*args, **kwargs)
        rows[1] = 0
        return rows

    for module in ("scoring", "classification"):
        monkeypatch.setattr(f"facezoo.evaluation.{module}.embed", failing)
    with pytest.raises(FacezooError, match=r"pairs\.csv: 1 of 12 .* such as 'person 0/1\.png'"):
        score_own_pairs(network)
    assert score_own_pairs(network, failed="reject").failures.pairs == 11
    with pytest.raises(FacezooError, match="1 of 24 embeddings"):
        classify(network, str(data))
    rejected, dropped = (classify(network, str(data), failed=failed) for failed in ("reject", "drop"))
    assert (rejected.uniform.samples, dropped.uniform.samples) == (24, 23)
    assert (rejected.geometry, rejected.uniform.failed) == (dropped.geometry, 1)
    assert dropped.geometry.failed == 1


def test_classes_come_from_the_training_images(network: Network, data: Path, tmp_path: Path):
    other = identity_folder(tmp_path / "other", identities=3)
    with pytest.raises(
        FacezooError, match=r"not what the run was trained on \(3 identities, 18 images; then 4"
    ):
        classify(network, str(data), training=str(other))
    moved = tmp_path / "moved"
    shutil.copytree(data, moved)
    assert classify(network, str(data), training=str(moved)) == classify(network, str(data))
    (other / "person 0").rename(other / "nobody")
    shutil.rmtree(other / "person 1")
    shutil.rmtree(other / "person 2")
    with pytest.raises(FacezooError, match="none of its 1 identities was trained on"):
        classify(network, str(other))


def test_geometry_of_embeddings_takes_folders_for_identities(network: Network, data: Path, tmp_path: Path):
    embed_images(network, find_images(data), tmp_path / "e.npz", flip=True, batch_size=50)
    found = geometry_of_embeddings(read_embeddings(tmp_path / "e.npz"))
    assert found.intra_mean == pytest.approx(geometry_of_folder(network, str(data)).intra_mean, rel=1e-3)
    np.savez(tmp_path / "flat.npz", path=np.array(["1.jpg", "2.jpg"]), embedding=np.eye(2))
    with pytest.raises(FacezooError, match="do not lie in folders"):
        geometry_of_embeddings(read_embeddings(tmp_path / "flat.npz"))
