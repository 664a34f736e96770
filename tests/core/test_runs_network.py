"""Networks out of runs, and the pairs that a run was verified on."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import facezoo.benchmarks.running as running
from facezoo import FacezooError
from facezoo.benchmarks import Given, Options, evaluate_network, open_benchmark
from facezoo.registry import load_head
from facezoo.runs.network import Network, open_network
from facezoo.runs.places import find_checkpoint
from facezoo.training import train
from facezoo.training.parts import build_parts
from support.scored import score_list, score_own_pairs
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
    named = score_list(network, data / "pairs.csv", folds=3)
    np.testing.assert_array_equal(named.scores, own.scores)


def test_images_that_declare_another_contract_are_refused(network: Network, data: Path, tmp_path: Path):
    root = shutil.copytree(data, tmp_path / "declared")
    (root / "facezoo.toml").write_text('[preprocessing]\ncolour = "BGR"\n')
    with pytest.raises(FacezooError, match="declares images that do not fit the backbone"):
        score_list(network, root / "pairs.csv")


def test_a_network_that_gives_an_image_no_direction_has_failed_there(network: Network, monkeypatch):
    real = running.embed

    def failing(*args, **kwargs):
        rows = real(*args, **kwargs)
        rows[1] = 0
        return rows

    monkeypatch.setattr(running, "embed", failing)
    with pytest.raises(FacezooError, match=r"pairs\.csv: 1 of 12 .* such as 'person 0/1\.png'"):
        score_own_pairs(network)
    assert score_own_pairs(network, failed="reject").failures.pairs == 11


def test_benchmarks_share_one_pass_over_their_images(network: Network, data: Path, monkeypatch):
    real, embedded = running.embed, []

    def counting(backbone, store, *args, **kwargs):
        embedded.append(len(store))
        return real(backbone, store, *args, **kwargs)

    monkeypatch.setattr(running, "embed", counting)
    given = Given(contract=network.preprocessing, network=network, options=Options(replicates=0))
    names = [f"person {person}/{image}.png" for person in range(4) for image in range(6)]
    lines = [f"{a},{b},{int(a[:8] == b[:8])}" for a in names for b in names if a < b]
    (data / "all.csv").write_text("\n".join(["a,b,same", *lines]))
    asked = [("csv", given.at(str(data / name))) for name in ("pairs.csv", "all.csv")]
    benchmarks = [open_benchmark(*one) for one in asked]
    together = evaluate_network(network, benchmarks)
    assert embedded == [24]
    alone = [evaluate_network(network, [benchmark])[0] for benchmark in benchmarks]
    assert embedded == [24, 12, 24]
    for one, other in zip(together, alone, strict=True):
        assert one.main.value == pytest.approx(other.main.value)
