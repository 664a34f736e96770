"""A run that was stopped and resumed ends with the same bits as one that was not."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

from facezoo import FacezooError
from facezoo.runs.verified import read_part
from facezoo.settings import RunSettings
from facezoo.training import Trainer, latest_checkpoint, read_metadata, train
from facezoo.training.state import collect
from support.checkpoints import rewrite
from support.faces import exact_faces, identity_folder
from support.stateful_head import run_settings
from support.tiny_backbone import install_tiny


@pytest.fixture(scope="module")
def settings(data: Path) -> RunSettings:
    return run_settings(data)


@pytest.fixture(scope="module")
def whole(
    settings: RunSettings, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, torch.Tensor]]:
    """All tensors after four epochs in one go."""
    trainer = Trainer(settings, tmp_path_factory.mktemp("whole"))
    trainer.fit()
    return collect(trainer.parts)


def assert_same(one: dict[str, dict[str, torch.Tensor]], two: dict[str, dict[str, torch.Tensor]]) -> None:
    assert one.keys() == two.keys()
    for part, tensors in one.items():
        assert tensors.keys() == two[part].keys()
        different = [name for name, tensor in tensors.items() if not torch.equal(tensor, two[part][name])]
        assert not different, f"{part}: {different}"


# 4 steps per epoch: after two epochs, in the middle of the first, in the middle of the last
@pytest.mark.parametrize("stop", [8, 3, 14])
def test_resuming_anywhere_gives_the_same_bits(settings, whole, tmp_path: Path, stop: int):
    first = Trainer(settings, tmp_path)
    first.fit(until=stop)
    first.saver.save()
    torch.manual_seed(999)  # nothing may depend on what this process did in between
    torch.randn(3)
    second = Trainer(settings, tmp_path)
    second.restore(tmp_path / "checkpoints" / f"step-{stop}")
    assert second.course.step == stop
    second.fit()
    assert second.course.step == 16
    assert_same(collect(second.parts), whole)


def test_a_checkpoint_gives_back_what_was_saved(settings, whole, tmp_path: Path):
    trainer = Trainer(settings, tmp_path)
    trainer.fit(until=6)
    before = {
        part: {k: v.clone() for k, v in tensors.items()} for part, tensors in collect(trainer.parts).items()
    }
    checkpoint = trainer.saver.save()
    assert_same({part: read_part(checkpoint, part) for part in before}, before)
    kinds = {name.rpartition("|")[2] for name in before["optimizer"]}
    assert kinds == {"momentum_buffer", "cpu"}
    head = before["head"]
    assert int(head["step"]) == 6
    assert head["head.memory.seen"].any()


def test_a_killed_run_goes_on_from_its_last_save_and_writes_the_same_metrics(settings, tmp_path: Path):
    one, two = tmp_path / "one", tmp_path / "two"
    figures = train(settings, one)
    dying = Trainer(settings, two_directory(two, one))
    dying.fit(until=11)  # saved at 8; three steps are lost
    with (two / "metrics.jsonl").open("a") as file:
        file.write('{"step": 12, "lo')
    assert latest_checkpoint(two).name == "step-8"
    assert train(settings, two, resume=True) == figures
    assert timeless(two) == timeless(one)
    assert_same(*({p: read_part(latest_checkpoint(d), p) for p in ("model", "head")} for d in (one, two)))


def two_directory(two: Path, one: Path) -> Path:
    two.mkdir()
    (two / "resolved.toml").write_bytes((one / "resolved.toml").read_bytes())
    return two


def timeless(run_dir: Path) -> list[dict[str, object]]:
    """The metrics, less the times taken and the untrained network's line, which `train` alone writes."""
    lines = [json.loads(line) for line in (run_dir / "metrics.jsonl").read_text().splitlines()]
    return [
        {key: value for key, value in line.items() if key != "images_per_second"}
        for line in lines
        if line.get("event") != "untrained"
    ]


def test_a_run_without_a_checkpoint_yet_begins_again(settings, whole, tmp_path: Path):
    Trainer(settings, tmp_path).fit(until=2)
    (tmp_path / "resolved.toml").touch()
    train(settings, tmp_path, resume=True)
    assert_same({"model": read_part(latest_checkpoint(tmp_path), "model")}, {"model": whole["model"]})


def test_a_finished_run_is_only_evaluated_again(settings, tmp_path: Path):
    figures = train(settings, tmp_path)
    metrics = (tmp_path / "metrics.jsonl").read_bytes()
    (tmp_path / "evaluation.json").unlink()
    assert train(settings, tmp_path, resume=True) == figures
    assert (tmp_path / "metrics.jsonl").read_bytes() == metrics
    assert (tmp_path / "evaluation.json").exists()


@pytest.fixture(scope="module")
def saved(settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run_dir = tmp_path_factory.mktemp("saved")
    trainer = Trainer(settings, run_dir)
    trainer.fit(until=1)
    return trainer.saver.save()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"optimizer": {"lr": 0.2}}, "optimizer.lr: 0.1 there, 0.2 here"),
        ({"head": {"margin": 0.3}}, "head.margin: 0.2 there, 0.3 here"),
        ({"data": {"flip": False}}, "data.flip: True there, False here"),
    ],
)
def test_other_settings_are_refused(data: Path, saved: Path, tmp_path: Path, changes, message: str):
    trainer = Trainer(run_settings(data, **changes), tmp_path)
    with pytest.raises(FacezooError) as error:
        trainer.restore(saved)
    assert message in error.value.message


def test_settings_that_change_no_number_may_differ(data: Path, saved: Path, tmp_path: Path):
    changes = {"train": {"keep": 5, "save_every": 1, "threads": 1}, "evaluate": {"folds": 2}}
    trainer = Trainer(run_settings(data, **changes), tmp_path)
    trainer.restore(saved)
    assert trainer.course.step == 1


def test_other_data_is_refused(saved: Path, tmp_path: Path):
    other = identity_folder(tmp_path / "faces", images=5)
    trainer = Trainer(run_settings(other), tmp_path)
    with pytest.raises(FacezooError, match="not those that it was trained on") as error:
        trainer.restore(saved)
    assert "20 images of 4 identities; then 24 of 4" in error.value.message


def test_another_revision_of_the_head_is_refused(settings, saved: Path, tmp_path: Path):
    older = Path(shutil.copytree(saved, tmp_path / "step-1"))
    rewrite(older, lambda about: about["head"].update(revision=7))
    with pytest.raises(FacezooError, match="was revision 7; revision 1 is installed"):
        Trainer(settings, tmp_path).restore(older)


@pytest.mark.parametrize("kind", ["head", "backbone"])
def test_a_head_or_backbone_out_of_another_distribution_is_refused(settings, saved, tmp_path: Path, kind):
    other = Path(shutil.copytree(saved, tmp_path / "step-1"))
    rewrite(other, lambda about: about[kind].update(distribution="somebodys-zoo", version="3"))
    with pytest.raises(FacezooError, match=f"{kind} '.*' came with somebodys-zoo 3; here it is that of"):
        Trainer(settings, tmp_path).restore(other)


def test_a_setting_that_there_was_not_yet_is_taken_as_its_default(data, saved: Path, tmp_path: Path):
    older = Path(shutil.copytree(saved, tmp_path / "step-1"))
    rewrite(older, lambda about: about["config"]["data"].pop("flip"))
    Trainer(run_settings(data), tmp_path).restore(older)
    with pytest.raises(FacezooError, match=r"data\.flip: True there, False here"):
        Trainer(run_settings(data, data={"flip": False}), tmp_path).restore(older)


def test_images_exchanged_for_others_of_the_same_size_are_noticed(tmp_path: Path):
    faces = exact_faces(tmp_path / "faces")
    settings = run_settings(faces, data={"size": 16})
    trainer = Trainer(settings, tmp_path / "run")
    (faces / "person 0").rename(faces / "aside")
    (faces / "person 1").rename(faces / "person 0")
    (faces / "aside").rename(faces / "person 1")
    checkpoint = trainer.saver.save()
    with pytest.raises(FacezooError, match="what is in them is not"):
        Trainer(settings, tmp_path / "run").restore(checkpoint)
    rewrite(checkpoint, lambda about: about["data"].pop("content"))
    with pytest.warns(UserWarning, match="their names and sizes are compared"):
        Trainer(settings, tmp_path / "run").restore(checkpoint)


def test_a_save_needs_neither_the_images_nor_the_backbone_any_more(tmp_path: Path, monkeypatch):
    install_tiny(monkeypatch, tmp_path / "site")
    faces = exact_faces(tmp_path / "faces")
    trainer = Trainer(run_settings(faces, data={"size": 16}, backbone={"name": "tiny"}), tmp_path / "run")
    shutil.rmtree(faces)
    shutil.rmtree(tmp_path / "site")
    assert read_metadata(trainer.saver.save())["data"]["images"] == 12


def test_a_resume_brings_back_the_generator_that_dropout_draws_from(tmp_path: Path, monkeypatch):
    install_tiny(monkeypatch, tmp_path / "site")
    faces = exact_faces(tmp_path / "faces")
    settings = run_settings(faces, data={"size": 16}, backbone={"name": "tiny"}, train={"batch_size": 4})
    whole = Trainer(settings, tmp_path)
    whole.fit(until=3)
    checkpoint = whole.saver.save()
    whole.fit(until=5)
    second = Trainer(settings, tmp_path)
    second.restore(checkpoint)
    second.fit(until=5)
    assert_same(collect(second.parts), collect(whole.parts))
