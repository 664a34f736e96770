"""Starting from other weights, with the backbone trained on or frozen."""

from __future__ import annotations

import json
import shutil
from io import StringIO
from pathlib import Path

import pytest
import torch
from rich.console import Console

from facezoo import FacezooError
from facezoo.data import Preprocessing
from facezoo.runs.checkpoint import write_contents
from facezoo.runs.provenance import backbone_provenance
from facezoo.runs.records import FORMAT
from facezoo.runs.verified import read_part
from facezoo.training import Trainer, latest_checkpoint, read_metadata, train
from facezoo.training.introduction import introduce
from support.checkpoints import rewrite
from support.faces import identity_folder
from support.stateful_head import run_settings


@pytest.fixture(scope="module")
def first(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run to start from."""
    out = tmp_path_factory.mktemp("first") / "run"
    train(run_settings(data, train={"epochs": 2}), out)
    return out


def tuned(data: Path, first: Path, **changes: object):
    return run_settings(data, train={"init_from": str(first), "epochs": 2, "seed": 5, **changes})


def same(module: torch.nn.Module, tensors: dict[str, torch.Tensor]) -> set[str]:
    own = module.state_dict()
    assert own.keys() == tensors.keys()
    return {name for name in own if torch.equal(own[name], tensors[name])}


def test_backbone_and_head_are_taken_where_head_and_identities_are_the_same(data, first, tmp_path: Path):
    trainer = Trainer(tuned(data, first), tmp_path)
    last = latest_checkpoint(first)
    model, head = read_part(last, "model"), read_part(last, "head")
    assert same(trainer.parts.backbone, model) == model.keys()
    assert head.keys() - same(trainer.parts.loss, head) == {"step"}
    assert int(trainer.parts.loss.step) == trainer.course.step == 0
    assert trainer.saver.started_from == {"checkpoint": str(last), "step": 8, "head": True}
    trainer.fit(until=2)
    assert read_metadata(trainer.saver.save())["started_from"] == trainer.saver.started_from
    again = Trainer(tuned(data, first), tmp_path, fresh=False)
    again.restore(latest_checkpoint(tmp_path))
    assert again.saver.started_from == trainer.saver.started_from


def test_only_the_backbone_is_taken_where_the_identities_are_others(data, first, tmp_path: Path):
    other = identity_folder(tmp_path / "faces", identities=3)
    trainer = Trainer(tuned(other, first), tmp_path)
    model = read_part(latest_checkpoint(first), "model")
    assert same(trainer.parts.backbone, model) == model.keys()
    assert trainer.saver.started_from["head"] is False
    # as many, by other names
    renamed = Path(shutil.copytree(data, tmp_path / "renamed"))
    (renamed / "person 0").rename(renamed / "somebody")
    assert Trainer(tuned(renamed, first), tmp_path).saver.started_from["head"] is False


def test_what_was_taken_is_said(data, first, tmp_path: Path):
    said = StringIO()
    introduce(Trainer(tuned(data, first), tmp_path, Console(file=said)))
    other = identity_folder(tmp_path / "faces", identities=3)
    introduce(Trainer(tuned(other, first, freeze="backbone"), tmp_path, Console(file=said)))
    started = [line for line in said.getvalue().splitlines() if line.startswith("started from")]
    assert [line.rpartition(" (")[2] for line in started] == [
        "backbone and head)",
        "backbone; the backbone is frozen)",
    ]


def test_a_frozen_backbone_keeps_every_bit_and_is_not_optimised(data, first, tmp_path: Path):
    out = tmp_path / "run"
    figures = train(tuned(data, first, freeze="backbone"), out)
    model = read_part(latest_checkpoint(first), "model")
    now = read_part(latest_checkpoint(out), "model")
    assert [name for name in model if not torch.equal(model[name], now[name])] == []
    assert not [name for name in read_part(latest_checkpoint(out), "optimizer") if "backbone" in name]
    assert figures["verification"] == figures["untrained"]
    weights = [read_part(latest_checkpoint(run), "head")["prototypes.weight"] for run in (first, out)]
    assert not torch.equal(*weights)
    assert train(tuned(data, first, freeze="backbone"), out, resume=True) == figures


def test_fine_tuning_trains_on(data, first, tmp_path: Path):
    figures = train(tuned(data, first), tmp_path / "run")
    trained = json.loads((first / "evaluation.json").read_text())
    assert figures["untrained"] == trained["verification"]


def test_a_run_that_is_killed_before_its_first_save_starts_there_again(data, first, tmp_path: Path):
    settings = tuned(data, first)
    figures = train(settings, tmp_path / "whole")
    (tmp_path / "killed").mkdir()
    (tmp_path / "killed" / "resolved.toml").touch()
    assert train(settings, tmp_path / "killed", resume=True) == figures


def test_imported_weights_are_taken(data, first, tmp_path: Path):
    model = read_part(latest_checkpoint(first), "model")
    about = {
        "format": FORMAT,
        "step": 0,
        "imported": {"file": "x.pth", "sha256": "0"},
        "backbone": backbone_provenance("small", 16),
        "preprocessing": Preprocessing(32, "insightface 5-point template").as_dict(),
        "versions": {},
    }
    (tmp_path / "weights").mkdir()
    write_contents(tmp_path / "weights", {"model": model}, about)
    trainer = Trainer(tuned(data, tmp_path / "weights"), tmp_path)
    assert same(trainer.parts.backbone, model) == model.keys()
    assert trainer.saver.started_from == {"checkpoint": str(tmp_path / "weights"), "step": 0, "head": False}


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("size", 64, "size: 64 there, 32 here"),
        ("mean", [0.0] * 3, "mean: [0.0, 0.0, 0.0] there, [127.5, 127.5, 127.5] here"),
        ("crop", "central square", "crop: 'central square' there, 'none' here"),
    ],
)
def test_another_contract_is_refused_with_both_sides(data, first, tmp_path: Path, key, value, message):
    other = Path(shutil.copytree(latest_checkpoint(first), tmp_path / "other"))
    rewrite(other, lambda about: about["preprocessing"].update({key: value}))
    with pytest.raises(FacezooError) as error:
        Trainer(tuned(data, other), tmp_path)
    assert message in error.value.message
    assert ("data.size=64" in error.value.hint) == (key == "size")


def test_alignments_must_agree_where_both_are_declared(data, first, tmp_path: Path):
    other = Path(shutil.copytree(latest_checkpoint(first), tmp_path / "other"))
    rewrite(other, lambda about: about["preprocessing"].update(alignment="five points"))
    Trainer(tuned(data, other), tmp_path)
    declared = Path(shutil.copytree(data, tmp_path / "declared"))
    (declared / "facezoo.toml").write_text('[preprocessing]\nalignment = "eyes"\n')
    with pytest.raises(FacezooError, match="alignment: 'five points' there, 'eyes' here"):
        Trainer(tuned(declared, other), tmp_path)


def test_another_backbone_is_refused(data, first, tmp_path: Path):
    settings = run_settings(data, train={"init_from": str(first)}, backbone={"dim": 8})
    with pytest.raises(FacezooError, match=r"another backbone \(dim: 16 there, 8 here") as error:
        Trainer(settings, tmp_path)
    assert "--set backbone.dim=16" in error.value.hint


def test_what_cannot_be_started_from_is_refused(data, tmp_path: Path):
    with pytest.raises(FacezooError, match="neither a checkpoint nor a run directory"):
        Trainer(tuned(data, tmp_path), tmp_path)
    with pytest.raises(FacezooError, match=r"train\.freeze: 'backbone', with no train\.init_from"):
        Trainer(run_settings(data, train={"freeze": "backbone"}), tmp_path)
