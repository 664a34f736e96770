"""A run directory that an earlier facezoo wrote is still shown, evaluated, resumed and started from."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import load_file

from facezoo.evaluation import verify
from facezoo.runs.network import open_network
from facezoo.runs.verified import read_part
from facezoo.runs.written import read_metrics
from facezoo.settings import resolve
from facezoo.training import Trainer, latest_checkpoint, resume
from facezoo.training.state import collect
from facezoo_cli.main import cli
from support.faces import exact_faces
from support.scored import score_own_pairs
from support.tiny_backbone import install_tiny

OLD = Path(__file__).parents[1] / "fixtures" / "old_run"
LACKS = "of an earlier facezoo, with no digests, .*; no fingerprint of what is in the images"
EXPECTED = json.loads((OLD / "expected" / "continuation.json").read_text())


@pytest.fixture
def old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the old run beside its images, in the current folder: its paths are relative."""
    install_tiny(monkeypatch, tmp_path / "site")
    monkeypatch.chdir(tmp_path)
    exact_faces(tmp_path / "faces")
    return Path(shutil.copytree(OLD / "run", tmp_path / "run"))


def test_it_is_resumed_and_ends_where_it_would_have_ended(old: Path):
    # figures differ in their last digits between processors, and a lost momentum or generator in the first
    with pytest.warns(UserWarning, match=LACKS):
        figures = resume(old)
    losses = {str(line["step"]): line["loss"] for line in read_metrics(old) if "event" not in line}
    assert losses == pytest.approx(losses | EXPECTED["losses"], rel=1e-3)
    for part in ("model", "head"):
        for name, tensor in load_file(OLD / "expected" / f"{part}.safetensors").items():
            found = read_part(latest_checkpoint(old), part)[name]
            assert torch.allclose(found, tensor, rtol=1e-2, atol=1e-3), f"{part} {name}"
    assert figures["untrained"] == EXPECTED["evaluation"]["untrained"]
    assert figures["verification"]["accuracy"] == EXPECTED["evaluation"]["verification"]["accuracy"]


def test_it_is_resumed_bit_for_bit_through_a_checkpoint_of_today(old: Path):
    settings = resolve(old / "resolved.toml")
    whole = Trainer(settings, old, fresh=False)
    whole.restore(latest_checkpoint(old))
    whole.fit()
    before = Trainer(settings, old.with_name("again"), fresh=False)
    before.course.dir.mkdir()
    before.restore(OLD / "run" / "checkpoints" / "step-8")
    before.fit(until=10)
    checkpoint = before.saver.save()
    after = Trainer(settings, before.course.dir, fresh=False)
    after.restore(checkpoint)
    after.fit()
    for part, expected in collect(whole.parts).items():
        found = collect(after.parts)[part]
        assert [name for name in expected if not torch.equal(found[name], expected[name])] == []


def test_it_is_evaluated(old: Path):
    (line,) = [line for line in read_metrics(old) if line.get("event") == "verification"]
    with pytest.warns(UserWarning, match=LACKS):
        own = score_own_pairs(open_network(old / "checkpoints" / "step-6"))
    found = verify(own.scores, own.same, own.fold).as_dict()
    assert found["auc"] == pytest.approx(line["verification"]["auc"], abs=0.01)


def test_it_is_shown(old: Path):
    shown = CliRunner().invoke(cli, ["show-checkpoint", str(old)])
    assert shown.exit_code == 0, shown.output
    assert "step-8: 8 steps" in shown.stdout
    assert "tiny, 8 dimensions" in shown.stdout
    (line,) = [line for line in shown.stdout.splitlines() if line.startswith("  lacking")]
    assert "no digests" in line
    assert "no fingerprint of what is in the images" in line


def test_a_run_starts_from_it(old: Path):
    sets = ("train.init_from=run", "train.seed=3")
    with pytest.warns(UserWarning, match=LACKS):
        trainer = Trainer(resolve(old / "resolved.toml", sets=sets), old.with_name("tuned"))
    assert trainer.saver.started_from == {
        "checkpoint": str(old / "checkpoints/step-8"),
        "step": 8,
        "head": True,
    }
    model = read_part(OLD / "run" / "checkpoints" / "step-8", "model")
    own = trainer.parts.backbone.state_dict()
    assert [name for name in model if not torch.equal(own[name], model[name])] == []
