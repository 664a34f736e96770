"""Damage to a checkpoint: noticed in every door, and said with the last good one and how to go on."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from facezoo import FacezooError
from facezoo.runs.checkpoint import name_best
from facezoo.runs.network import open_network
from facezoo.runs.verified import best_checkpoint, read_part, verify_files
from facezoo.settings import RunSettings, resolve
from facezoo.training import Trainer, latest_checkpoint, read_metadata
from facezoo_cli.main import cli
from support.checkpoints import as_of_an_earlier_facezoo, flip_a_bit, rewrite, rewrite_part
from support.faces import exact_faces
from support.tiny_backbone import install_tiny

OLD = Path(__file__).parents[1] / "fixtures" / "old_run" / "run"


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunSettings]:
    """Settings of the kept run, whose images and backbone lie in a folder of this session."""
    home = tmp_path_factory.mktemp("verified")
    faces = exact_faces(home / "faces")
    with pytest.MonkeyPatch.context() as patch:
        install_tiny(patch, home / "site")
        yield resolve(OLD / "resolved.toml", sets=[f"data.path={faces}", "evaluate.pairs=none"])


@pytest.fixture(scope="module")
def made(settings: RunSettings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with two checkpoints of today: steps 9 and 10."""
    run = tmp_path_factory.mktemp("made") / "a run"
    run.mkdir()
    trainer = Trainer(settings, run, fresh=False)
    trainer.restore(OLD / "checkpoints" / "step-8")
    for step in (9, 10):
        trainer.fit(until=step)
        shutil.copytree(trainer.saver.save(), run / str(step))
    for step in (9, 10):  # the run keeps one of them
        shutil.rmtree(run / "checkpoints" / f"step-{step}", ignore_errors=True)
        (run / str(step)).rename(run / "checkpoints" / f"step-{step}")
    return run


@pytest.fixture
def run(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "a run"))


def resumed(run: Path, settings: RunSettings) -> object:
    trainer = Trainer(settings, run, fresh=False)
    trainer.restore(latest_checkpoint(run))
    return trainer


def evaluated(run: Path, settings: RunSettings) -> object:
    return open_network(run, "cpu").loss


def started(run: Path, settings: RunSettings) -> object:
    again = resolve(OLD / "resolved.toml", sets=[f"data.path={settings.data.path}", f"train.init_from={run}"])
    return Trainer(again, run.with_name("tuned"))


def shown(run: Path, settings: RunSettings) -> object:
    return verify_files(latest_checkpoint(run), read_metadata(latest_checkpoint(run)))


DOORS = {
    resumed: ("model", "head", "optimizer"),
    evaluated: ("model", "head"),
    started: ("model", "head"),
    shown: ("model", "head", "optimizer"),
}
EVERY_PART = [(door, part) for door, parts in DOORS.items() for part in parts]
Door = Callable[[Path, RunSettings], object]


@pytest.mark.parametrize(("door", "part"), EVERY_PART)
def test_one_flipped_bit_is_noticed(run: Path, settings: RunSettings, door: Door, part: str):
    path = run / "checkpoints" / "step-10" / f"{part}.safetensors"
    door(run, settings)
    for where in (9, 400, -1):  # in the header, among the numbers, at the very end
        flip_a_bit(path, where)
        with pytest.raises(FacezooError, match=f"{part}.safetensors: damaged: its SHA-256") as error:
            door(run, settings)
        flip_a_bit(path, where)
    good, bad = run / "checkpoints" / "step-9", run / "checkpoints" / "step-10"
    assert error.value.hint == (
        f"The last good one before it is {good}. To go on from there: "
        f"mv '{bad}' '{run / 'step-10.damaged'}', then facezoo train --resume '{run}'"
    )
    path.unlink()
    with pytest.raises(FacezooError, match=r"cannot be read \(No such file or directory\)"):
        door(run, settings)


@pytest.mark.parametrize("door", DOORS)
def test_what_the_json_says_is_as_it_was_written(run: Path, settings: RunSettings, door: Door):
    path = run / "checkpoints" / "step-10" / "checkpoint.json"
    before = path.read_text()
    for old, new in (('"step": 10', '"step": 11'), ('"files"', '"filed"'), ('"sha256"', '"sha255"')):
        path.write_text(new.join(before.rsplit(old, 1)))
        with pytest.raises(FacezooError, match=r"checkpoint\.json: cannot be read") as error:
            door(run, settings)
        assert "step-9" in error.value.hint


def test_a_json_that_is_changed_by_hand_counts_as_one_without_digests(run: Path, settings: RunSettings):
    path = run / "checkpoints" / "step-10" / "checkpoint.json"
    about = json.loads(path.read_text())
    del about["sha256"], about["files"]
    about["preprocessing"]["alignment"] = "by hand"
    path.write_text(json.dumps(about))
    with pytest.warns(UserWarning, match="no digests"):
        assert open_network(run, "cpu").preprocessing.alignment == "by hand"


@pytest.mark.parametrize("key", ["imported", "head", "data", "config", "seed", "files", "computed_on"])
def test_what_may_be_absent_may_not_be_null(run: Path, key: str):
    checkpoint = rewrite(run / "checkpoints" / "step-10", lambda about: about.update({key: None}))
    with pytest.raises(FacezooError, match=rf"checkpoint\.json: cannot be read \({key}: "):
        read_metadata(checkpoint)


@pytest.mark.parametrize("key", ["distribution", "version"])
def test_a_distribution_and_its_version_stand_together(run: Path, key: str):
    checkpoint = rewrite(run / "checkpoints" / "step-10", lambda about: about["backbone"].pop(key))
    with pytest.raises(FacezooError, match="a distribution and its version stand together"):
        read_metadata(checkpoint)


def test_the_way_on_that_is_told_is_one(run: Path, settings: RunSettings):
    flip_a_bit(run / "checkpoints" / "step-10" / "model.safetensors", 500)
    (run / "checkpoints" / "step-10").rename(run / "step-10.damaged")
    assert resumed(run, settings).course.step == 9


def test_without_a_good_one_none_is_named(run: Path, settings: RunSettings):
    for checkpoint in (run / "checkpoints").glob("step-*"):
        flip_a_bit(checkpoint / "head.safetensors", 300)
    with pytest.raises(FacezooError, match="SHA-256") as error:
        resumed(run, settings)
    assert error.value.hint.startswith("No whole checkpoint lies before it")
    copy = Path(shutil.copytree(run / "checkpoints" / "step-10", run / "copy"))
    with pytest.raises(FacezooError, match="SHA-256") as error:
        read_part(copy, "head")
    assert error.value.hint == "Get the folder again where it came from."


@pytest.mark.parametrize(("door", "part"), EVERY_PART[:-3])
def test_weights_that_are_not_finite_are_refused_by_name(run, settings, door: Door, part: str):
    def spoil(tensors: dict[str, torch.Tensor]) -> None:
        name = max(name for name, tensor in tensors.items() if tensor.is_floating_point() and tensor.ndim)
        tensors[name].view(-1)[-1] = float("nan")

    rewrite_part(run / "checkpoints" / "step-10", part, spoil)
    with pytest.raises(FacezooError, match=rf"{part}\.safetensors: its tensor '.*' is not finite"):
        door(run, settings)


@pytest.mark.parametrize("part", ["model", "head", "optimizer"])
def test_a_state_that_is_not_finite_is_not_saved(run: Path, settings: RunSettings, part: str):
    trainer = resumed(run, settings)
    loss, optimizer = trainer.parts.loss.prototypes.weight, trainer.parts.optimizer
    spoilt = {
        "model": next(trainer.parts.backbone.parameters()),
        "head": loss,
        "optimizer": optimizer.state[loss]["momentum_buffer"],
    }[part]
    spoilt.detach()[(0,) * spoilt.ndim] = float("inf")
    with pytest.raises(FacezooError, match=rf"{part} weights '.*' are not finite; this state is not saved"):
        trainer.saver.save()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.pop("backbone.0.weight|momentum_buffer"), None),
        (lambda t: [t.pop(key) for key in list(t) if key.startswith("backbone")], "no state of backbone"),
        (lambda t: [t.pop(key) for key in list(t) if key.startswith("head")], "no state of head.prototypes"),
        (
            lambda t: t.update({"backbone.0.weight|exp_avg": torch.zeros(4, 3, 4, 4)}),
            "exp_avg",
        ),
        (lambda t: t.update({"backbone.0.weight|momentum_buffer": torch.zeros(3)}), "the parameter"),
        (lambda t: t.update({"backbone.9.weight|momentum_buffer": torch.zeros(3)}), "does not optimise"),
        (lambda t: t.pop("generator|cpu"), "no state of torch's random generator"),
        (lambda t: t.update({"generator|cpu": torch.zeros(3)}), "is not this run's"),
        (lambda t: t.update({"generator|cpu": torch.zeros(3, dtype=torch.uint8)}), "is not this run's"),
    ],
)
def test_an_optimizer_part_is_whole_or_refused(run: Path, settings: RunSettings, change, message: str | None):
    checkpoint = rewrite_part(run / "checkpoints" / "step-10", "optimizer", change)
    as_of_an_earlier_facezoo(checkpoint)  # nothing else tells that it was all there
    if message is None:  # a parameter that the loss has not used yet
        resumed(run, settings)
        return
    with pytest.raises(FacezooError, match="its optimizer part is not this run's") as error:
        resumed(run, settings)
    assert message in error.value.message


def test_whole_numbers_are_not_taken_for_weights(run: Path, settings: RunSettings):
    change = lambda tensors: tensors.update({"0.weight": tensors["0.weight"].int()})  # noqa: E731
    rewrite_part(run / "checkpoints" / "step-10", "model", change)
    for door in (resumed, evaluated, started):
        with pytest.raises(
            FacezooError, match=r"do not fit .*: 0\.weight is torch\.int32, not torch\.float32"
        ):
            door(run, settings)


def test_a_step_that_the_run_does_not_have_is_refused(run: Path, settings: RunSettings):
    rewrite(run / "checkpoints" / "step-10", lambda about: about.update(step=13))
    with pytest.raises(FacezooError, match="of step 13, and the run has 12"):
        resumed(run, settings)


def test_a_head_of_other_identities_is_refused_before_it_is_built(run: Path, settings: RunSettings):
    rewrite(run / "checkpoints" / "step-10", lambda about: about["data"].update(identities=10**9))
    with pytest.raises(FacezooError, match="its head is not of 1,000,000,000 identities"):
        evaluated(run, settings)


@pytest.mark.parametrize("door", [evaluated, started])
def test_a_backbone_is_that_of_its_distribution(run: Path, settings: RunSettings, door: Door):
    rewrite(run / "checkpoints" / "step-10", lambda about: about["backbone"].update(distribution="other-zoo"))
    with pytest.raises(FacezooError, match=r"facezoo-tiny|another backbone \(distribution: 'other-zoo'"):
        door(run, settings)


def test_a_backbone_may_be_asked_for_by_its_distribution(run: Path, settings: RunSettings):
    sets = [f"data.path={settings.data.path}", "backbone.name=facezoo-tiny:tiny", f"train.init_from={run}"]
    trainer = Trainer(resolve(OLD / "resolved.toml", sets=sets), run.with_name("named"))
    saved = read_metadata(trainer.saver.save())
    assert saved["backbone"] == {"name": "tiny", "dim": 8, "distribution": "facezoo-tiny", "version": "1.2"}
    assert open_network(trainer.course.dir, "cpu").metadata == saved


def test_files_have_the_permissions_of_new_files(run: Path, settings: RunSettings):
    before = os.umask(0o027)
    try:
        checkpoint = resumed(run, settings).saver.save()
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in checkpoint.iterdir()} == {0o640}


def test_nothing_is_written_through_a_link(run: Path, settings: RunSettings):
    trainer, elsewhere = resumed(run, settings), run.with_name("elsewhere")
    shutil.copytree(run / "checkpoints" / "step-9", elsewhere)
    kept = {path.name: path.read_bytes() for path in elsewhere.iterdir()}
    shutil.rmtree(run / "checkpoints" / "step-10")
    (run / "checkpoints" / "step-10").symlink_to(elsewhere)
    (run / "checkpoints" / "step-7").symlink_to(elsewhere)
    (run / "checkpoints" / "best.json").unlink(missing_ok=True)
    (run / "checkpoints" / "best.json").symlink_to(elsewhere / "checkpoint.json")
    name_best(run, 10, "pairs.csv", 0.5, keep=5)
    trainer.saver.save()
    assert not (run / "checkpoints" / "step-10").is_symlink()
    assert not (run / "checkpoints" / "step-7").exists()
    assert {path.name: path.read_bytes() for path in elsewhere.iterdir()} == kept


def test_checkpoints_are_not_written_through_a_linked_folder(run: Path, settings: RunSettings):
    (run / "checkpoints").rename(run.with_name("elsewhere"))
    (run / "checkpoints").symlink_to(run.with_name("elsewhere"))
    trainer = resumed(run, settings)
    for write in (trainer.saver.save, lambda: name_best(run, 10, "pairs.csv", 0.5, keep=2)):
        with pytest.raises(FacezooError, match="checkpoints: a link"):
            write()
    assert sorted(path.name for path in run.with_name("elsewhere").iterdir()) == ["step-10", "step-9"]


def test_the_best_is_sealed_too(run: Path):
    name_best(run, 10, "pairs.csv", 0.5, keep=2)
    path = run / "checkpoints" / "best.json"
    assert best_checkpoint(run) == {
        "step": 10,
        "pairs": "pairs.csv",
        "accuracy": 0.5,
        "figure": "accuracy",
        "value": 0.5,
        "better": "higher",
    }
    path.write_text(path.read_text().replace("0.5", "0.9"))
    with pytest.raises(FacezooError, match=r"best\.json: cannot be read \(best\.json is damaged\)"):
        best_checkpoint(run)


def test_a_damaged_checkpoint_is_told_on_the_command_line(run: Path):
    flip_a_bit(run / "checkpoints" / "step-10" / "model.safetensors", 500)
    result = CliRunner().invoke(cli, ["show-checkpoint", str(run)])
    assert result.exit_code == 2
    assert "To go on from there: mv " in result.stderr
