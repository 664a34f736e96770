"""Uniform accuracy and geometry of runs, as benchmarks."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

import facezoo.benchmarks.running as running
from facezoo import FacezooError
from facezoo.benchmarks import Given, Options, evaluate_embeddings, evaluate_network, open_benchmark
from facezoo.data.folder import read_folder
from facezoo.data.store import open_store
from facezoo.engine.classes import Prototypes
from facezoo.evaluation import embed
from facezoo.evaluation.files import EmbeddingSet
from facezoo.registry import load_head
from facezoo.runs.network import Network, open_network
from facezoo.training import train
from facezoo_uniform.accuracy import uniform_accuracy
from facezoo_uniform.angles import Geometry
from facezoo_uniform.classification import UniformResult
from support.faces import identity_folder
from support.stateful_head import run_settings


@pytest.fixture(scope="module")
def run(data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict]:
    """A run with an installed head, and what its evaluation.json holds."""
    out = tmp_path_factory.mktemp("runs") / "run"
    changes = {"data": {"cache": "none"}, "train": {"epochs": 3, "precision": "float32"}}
    return out, train(run_settings(data, load_head("cosface"), **changes), out)


@pytest.fixture
def network(run) -> Network:
    return open_network(run[0])


def measured(network: Network, name: str, data: str, training: str | None = None, **options):
    asked = Options(replicates=0, **options)
    given = Given(
        data=data, training=training, contract=network.preprocessing, network=network, options=asked
    )
    (result,) = evaluate_network(network, [open_benchmark(name, given)])
    return result


def classify(network: Network, data: str, **options) -> UniformResult:
    return measured(network, "uniform", data, **options)


def geometry_of(network: Network, data: Path) -> Geometry:
    return measured(network, "geometry", str(data)).geometry


def embedded(network: Network, root: Path) -> tuple[tuple[str, ...], np.ndarray]:
    images, contract = read_folder(root), network.preprocessing
    store = open_store(images, contract.size, 2**30, fit=contract.fit)
    return tuple(images.names), embed(network.backbone, store, contract, batch_size=50, flip=True)


def test_uniform_accuracy_of_held_out_images(network: Network, data: Path, tmp_path: Path):
    held = tmp_path / "held"
    identity_folder(held, identities=5, images=3)
    (held / "person 0").rename(held / "person 9")  # a stranger, as is person 4
    found = classify(network, str(held))
    assert (found.strangers, found.trained_on) == (2, False)
    assert (found.uniform.samples, found.uniform.classes) == (9, 3)
    # the slow way: all cosines, every threshold
    names, rows = embedded(network, held)
    weight = torch.nn.functional.normalize(network.loss.prototypes.weight.detach()).numpy()
    samples = []
    for path, row in zip(names, rows, strict=True):
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
    assert found.geometry == geometry_of(network, data)


def test_class_vectors_that_were_never_trained_give_no_figures(network: Network, data: Path):
    loss = network.loss
    loss.prototypes.weight.data.copy_(Prototypes(4, 16, seed=loss.context.seed).weight)
    with pytest.raises(FacezooError, match="head 'cosface' has not trained its class vectors"):
        classify(network, str(data))
    assert geometry_of(network, data).images == 24


def test_a_network_that_gives_an_image_no_direction_has_failed_there(
    network: Network, data: Path, monkeypatch
):
    real = running.embed

    def failing(*args, **kwargs):
        rows = real(*args, **kwargs)
        rows[1] = 0
        return rows

    monkeypatch.setattr(running, "embed", failing)
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
    again = classify(network, str(data), training=str(moved))
    assert again.as_dict() == classify(network, str(data)).as_dict()
    (other / "person 0").rename(other / "nobody")
    shutil.rmtree(other / "person 1")
    shutil.rmtree(other / "person 2")
    with pytest.raises(FacezooError, match="none of its 1 identities was trained on"):
        classify(network, str(other))


def test_geometry_of_embeddings_takes_folders_for_identities(network: Network, data: Path):
    embeddings = EmbeddingSet("e.npz", *embedded(network, data))
    (found,) = evaluate_embeddings(embeddings, [open_benchmark("geometry", Given(embeddings=embeddings))])
    assert found.geometry.intra_mean == pytest.approx(geometry_of(network, data).intra_mean, rel=1e-3)
    flat = EmbeddingSet("flat.npz", ("1.jpg", "2.jpg"), np.eye(2))
    with pytest.raises(FacezooError, match="do not lie in folders"):
        open_benchmark("geometry", Given(embeddings=flat))


def test_replicates_of_uniform_accuracy_are_those_of_the_samples_written_out(network: Network, data: Path):
    found = classify(network, str(data))
    ones = found.weighted(np.ones((4, 1), int))
    for name in ("uni", "by_class", "by_sample"):
        assert ones[name][0] == pytest.approx(getattr(found.uniform, name))
    scores = found._scores
    for times in np.random.default_rng(0).integers(0, 3, (8, 4)) + np.eye(8, 4, dtype=int):
        again = np.repeat(np.arange(24), times[scores.labels])
        columns = (scores.own[again], scores.other[again], scores.labels[again])
        expected, own = uniform_accuracy(*columns), found.weighted(times[:, None])
        assert own["uni"][0] == pytest.approx(expected.uni)
        assert own["by_class"][0] == pytest.approx(expected.by_class)
        assert own["by_sample"][0] == pytest.approx(expected.by_sample)


def angles(embeddings: EmbeddingSet, **options) -> Geometry:
    given = Given(embeddings=embeddings, options=Options(**options))
    return evaluate_embeddings(embeddings, [open_benchmark("geometry", given)])[0].geometry


def test_angles_are_of_what_enrolled_alone():
    paths = tuple(f"p{person}/{image}.png" for person in range(6) for image in range(3))
    rows = np.random.default_rng(0).normal(size=(18, 4)).astype(np.float32)
    kept = [n for n in range(18) if n != 4]
    expected = angles(EmbeddingSet("e", tuple(paths[n] for n in kept), rows[kept]))
    rows[4] = 0
    embeddings = EmbeddingSet("e.npz", paths, rows)
    with pytest.raises(FacezooError, match=r"e\.npz: 1 of 18 .*'p1/1\.png'"):
        angles(embeddings)
    with pytest.raises(FacezooError, match="has no angle to others"):
        angles(embeddings, failed="reject")
    found = angles(embeddings, failed="drop")
    assert found.failed == 1
    assert {**found.as_dict(), "failed": 0} == expected.as_dict()


def test_replicates_of_the_criterion_weigh_the_classes():
    paths = tuple(f"p{person}/{image}.png" for person in range(3) for image in range(2))
    rows = np.array([[1, 0], [1, 0.1], [-1, 0], [-1, 0.1], [0, 1], [0, -1]], np.float64)
    embeddings = EmbeddingSet("e.npz", paths, rows)
    (found,) = evaluate_embeddings(embeddings, [open_benchmark("geometry", Given(embeddings=embeddings))])
    assert found.geometry.criterion == 2 / 3
    times = np.array([[1, 0, 2], [1, 0, 1], [1, 3, 0]])
    np.testing.assert_allclose(found.weighted(times)["criterion"], [2 / 3, 0, 1])
