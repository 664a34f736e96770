"""The training loop: schedule, groups, metrics, refusals, and that it learns."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
import torch
from rich.console import Console

from facezoo import FacezooError
from facezoo.runs.claim import ClaimedError, claim
from facezoo.runs.device import choose_device
from facezoo.runs.verified import read_evaluation
from facezoo.runs.written import read_metrics
from facezoo.settings import OptimizerSettings
from facezoo.training import Trainer, latest_checkpoint, read_metadata, resume, train
from facezoo.training.introduction import introduce
from facezoo.training.parts import build_parts
from facezoo.training.report import clock
from facezoo.training.schedule import rate_factor
from support.faces import identity_folder, pairs_csv
from support.stateful_head import run_settings


@pytest.fixture(scope="module")
def finished(data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict, str]:
    """A finished run: its directory, what `train` returned, and what it printed."""
    out = tmp_path_factory.mktemp("runs") / "run"
    printed = StringIO()
    evaluation = train(run_settings(data), out, console=Console(file=printed, width=300))
    return out, evaluation, printed.getvalue()


def test_a_run_directory_holds_what_it_should(finished):
    out, evaluation, _ = finished
    files = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    parts = ("model.safetensors", "head.safetensors", "optimizer.safetensors", "checkpoint.json")
    checkpoints = {f"checkpoints/step-{step}/{part}" for step in (8, 16) for part in parts}
    assert files == {".lock", "resolved.toml", "metrics.jsonl", "evaluation.json"} | checkpoints
    assert json.loads((out / "evaluation.json").read_text()) == json.loads(json.dumps(evaluation))


def test_metrics_have_a_line_a_step_and_one_an_epoch(finished):
    lines = read_metrics(finished[0])
    steps = [line for line in lines if "event" not in line]
    assert [line["step"] for line in steps] == list(range(1, 17))
    assert [line["epoch"] for line in steps] == [1] * 4 + [2] * 4 + [3] * 4 + [4] * 4
    keys = {"step", "epoch", "loss", "terms", "lr", "images_per_second", "zero_embeddings"}
    assert all(line.keys() == keys for line in steps)
    assert all(line["terms"].keys() == {"learned", "remembered"} for line in steps)
    assert all(line["loss"] == pytest.approx(sum(line["terms"].values()), rel=1e-5) for line in steps)
    epochs = [line for line in lines if line.get("event") == "epoch"]
    assert [line["epoch"] for line in epochs] == [1, 2, 3, 4]
    assert epochs[0]["loss"] == pytest.approx(np.mean([line["loss"] for line in steps[:4]]))
    assert steps[-1]["loss"] < steps[0]["loss"] / 2


def test_the_figures_stand_beside_those_of_the_untrained_network(finished):
    _, evaluation, printed = finished
    trained, untrained = evaluation["verification"], evaluation["untrained"]
    assert (trained["genuine"], trained["impostor"]) == (12, 54)
    assert all(
        0 <= figures[key] <= 1 for figures in (trained, untrained) for key in ("accuracy", "auc", "eer")
    )
    assert len(trained["fold_accuracy"]) == len(trained["thresholds"]) == 3
    assert trained["se"] == pytest.approx(trained["fold_sd"] / math.sqrt(3))
    rows = {line.split()[0]: line.split()[1:] for line in printed.splitlines() if line}
    assert rows["trained"] == [
        f"{100 * trained[key]:.2f}" for key in ("accuracy", "fold_sd", "se", "auc", "eer")
    ]
    assert rows["untrained"][0] == f"{100 * untrained['accuracy']:.2f}"
    assert printed.splitlines()[-1] == f"run directory: {finished[0]}"


def test_off_a_terminal_there_is_a_line_an_epoch(finished):
    lines = [line for line in finished[2].splitlines() if line.startswith("epoch ")]
    assert [line.split()[1] for line in lines] == ["1/4", "2/4", "3/4", "4/4"]
    assert all("images/s" in line and line.endswith("left") for line in lines)


def test_on_a_terminal_there_is_a_bar_instead(data: Path, tmp_path: Path):
    printed = StringIO()
    console = Console(file=printed, force_terminal=True, width=120)
    train(run_settings(data, train={"epochs": 1}), tmp_path / "run", console=console)
    text = printed.getvalue()
    assert "4/4" in text
    assert "images/s" in text
    assert "epoch 1/1" not in text


def test_a_checkpoint_says_where_it_comes_from(finished):
    metadata = read_metadata(latest_checkpoint(finished[0]))
    assert (metadata["step"], metadata["epoch"], metadata["batch"]) == (16, 4, 0)
    assert metadata["head"] == {
        "name": "stateful", "distribution": "facezoo-tests", "version": "1.0", "revision": 1, "preset": None,
    }  # fmt: skip
    assert metadata["preprocessing"] == {
        "size": 32, "aspect": 1.0, "colour": "RGB", "mean": [127.5] * 3, "std": [127.5] * 3,
        "alignment": "as stored", "crop": "none", "scaling": "bilinear, antialiased (Pillow)",
    }  # fmt: skip
    assert metadata["versions"]["torch"] == torch.__version__
    assert (metadata["data"]["images"], metadata["data"]["identities"]) == (24, 4)
    assert metadata["config"]["head"] == {"name": "stateful", "scale": 16.0, "margin": 0.2, "fails_at": -1}
    assert metadata["config"]["train"]["batch_size"] == 7
    assert metadata["seed"] == 0
    assert metadata["muted_observers"] == []
    assert metadata["hooks"] == {}


def test_two_runs_give_the_same_figures_and_another_seed_others(data: Path, finished, tmp_path: Path):
    again = train(run_settings(data), tmp_path / "again")
    assert again == finished[1]
    other = train(run_settings(data, train={"seed": 1}), tmp_path / "other")
    assert read_metrics(tmp_path / "other")[1]["loss"] != read_metrics(finished[0])[1]["loss"]
    assert other.keys() == again.keys()


def test_streaming_from_disk_trains_to_the_same_numbers(data: Path, finished, tmp_path: Path):
    assert train(run_settings(data, data={"memory_mib": 0}), tmp_path / "run") == finished[1]


def test_without_pairs_there_are_no_figures(data: Path, tmp_path: Path):
    printed = StringIO()
    settings = run_settings(data, evaluate={"pairs": "none"}, train={"epochs": 1})
    evaluation = train(settings, tmp_path / "run", console=Console(file=printed, width=200))
    assert evaluation["verification"] is evaluation["untrained"] is evaluation["pairs"] is None
    assert "no verification" in printed.getvalue()
    assert read_evaluation(tmp_path / "run") == evaluation, "what was written is read again"


def test_a_non_finite_loss_stops_the_run_and_keeps_the_last_checkpoint(data: Path, tmp_path: Path):
    settings = run_settings(data, head={"fails_at": 9})
    with pytest.raises(FacezooError) as error:
        train(settings, tmp_path / "run")
    assert "the loss is nan at step 10 (epoch 3, batch 2 of 4): learned nan" in error.value.message
    assert "all embeddings are finite" in error.value.message
    assert "optimizer.lr" in error.value.hint
    assert "step-8" in error.value.hint
    assert latest_checkpoint(tmp_path / "run").name == "step-8"


def test_non_finite_embeddings_are_counted(data: Path, tmp_path: Path):
    trainer = Trainer(run_settings(data), tmp_path)
    with torch.no_grad():
        trainer.parts.backbone.fc.weight[0, 0] = math.nan
    with pytest.raises(
        FacezooError, match=r"the loss is nan at step 1 .*; 6 of 6 embeddings are not finite"
    ) as error:
        trainer.fit()
    assert "No checkpoint was saved before it" in error.value.hint


def test_weights_that_are_not_finite_are_not_saved(data: Path, tmp_path: Path):
    trainer = Trainer(run_settings(data), tmp_path)
    with torch.no_grad():
        trainer.parts.loss.prototypes.weight[0, 0] = math.inf
    with pytest.raises(FacezooError, match=r"'prototypes\.weight' are not finite"):
        trainer.saver.save()
    assert latest_checkpoint(tmp_path) is None


def test_a_directory_with_a_run_is_not_overwritten(data: Path, finished):
    with pytest.raises(FacezooError, match="holds a run already") as error:
        train(run_settings(data), finished[0])
    assert f"--resume {finished[0]}" in error.value.hint


def test_a_run_that_only_warms_up_says_so(data: Path, tmp_path: Path):
    def printed(warmup: float, name: str) -> str:
        console = Console(file=StringIO(), width=200)
        settings = run_settings(data, optimizer={"warmup_epochs": warmup}, train={"epochs": 1})
        train(settings, tmp_path / name, console=console)
        return console.file.getvalue()

    assert "the warm-up of 2 epochs (optimizer.warmup_epochs) takes the whole run of 1" in printed(2, "cold")
    assert "warm-up" not in printed(0.5, "warm")


@pytest.mark.parametrize("precision", ["float32", "bf16"])
def test_a_run_says_what_it_trains_and_in_which_precision(data: Path, tmp_path: Path, precision: str):
    console = Console(file=StringIO(), width=200)
    introduce(Trainer(run_settings(data, train={"precision": precision}), tmp_path, console))
    said = console.file.getvalue()
    assert "24 images of 4 identities, 32 x 32; small (" in said
    assert said.endswith(f"on cpu in {precision}\n")


def test_a_run_that_is_being_trained_is_not_resumed(data: Path, finished):
    before = (finished[0] / "metrics.jsonl").read_bytes()
    with claim(finished[0]), pytest.raises(ClaimedError, match="another process is training there"):
        train(run_settings(data), finished[0], resume=True)
    assert (finished[0] / "metrics.jsonl").read_bytes() == before


def test_a_directory_without_a_run_cannot_be_resumed(tmp_path: Path):
    with pytest.raises(FacezooError, match="holds no run to resume"):
        resume(tmp_path)


def test_left_out_files_are_counted_shown_and_listed(tmp_path: Path):
    root = identity_folder(tmp_path / "faces")
    pairs_csv(root)
    for image in range(3, 6):
        (root / "person 0" / f"{image}.png").write_bytes(b"")
        (root / "person 1" / f"{image}.txt").touch()
    printed = StringIO()
    console = Console(file=printed, width=200)
    train(run_settings(root, train={"epochs": 1}), tmp_path / "run", console=console)
    assert "21 images of 4 identities" in printed.getvalue()
    assert "left out: 6 files or folders" in printed.getvalue()
    assert "3 x empty file, such as person 0/3.png" in printed.getvalue()
    assert "all are listed in left_out.txt" in printed.getvalue()
    listed = (tmp_path / "run" / "left_out.txt").read_text().splitlines()
    assert "person 0/4.png: empty file" in listed
    assert len(listed) == 6


@pytest.mark.parametrize(
    "name",
    [
        "cuda:99",
        "cuda:-1",
        "cuda:99999999999999999999",
        "cpu:",
        "",
        "CPU\n",
        "mps",
        "meta",
        "xla",
        "hpu",
        "xpu",
    ],
)
def test_a_device_that_is_not_there_is_an_error_of_one_sentence(name: str):
    with pytest.raises(FacezooError, match=r"train\.device") as error:
        choose_device(name)
    assert "\n" not in error.value.message
    assert len(error.value.message) < 180


def test_threads_that_torch_does_not_take_are_an_error(data: Path):
    settings = run_settings(data, train={"threads": 1})
    odd = replace(settings, train=settings.train.model_copy(update={"threads": 2**40}))
    with pytest.raises(FacezooError, match=r"train\.threads: 1,099,511,627,776 cannot be used"):
        build_parts(odd)


def test_weights_decay_and_norms_biases_and_slopes_do_not(data: Path):
    parts = build_parts(run_settings(data, backbone={"name": "iresnet18"}))
    names = parts.names()
    decayed = {
        names[parameter]
        for group in parts.optimizer.param_groups
        if group["weight_decay"]
        for parameter in group["params"]
    }
    weights = {f"backbone.{n}.weight" for n, m in parts.backbone.named_modules() if hasattr(m, "in_channels")}
    assert decayed == weights | {"backbone.fc.weight", "head.prototypes.weight"}
    held = {parameter for group in parts.optimizer.param_groups for parameter in group["params"]}
    assert {names[p] for p in names.keys() - held} == {"backbone.features.weight"}


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("cosine", [(1 + math.cos(math.pi * n / 16)) / 2 for n in range(16)]),
        ("polynomial", [(1 - n / 16) ** 2 for n in range(16)]),
        ("step", [1] * 10 + [0.1] * 4 + [0.01] * 2),
    ],
)
def test_the_rate_rises_then_follows_its_schedule(schedule: str, expected: list[float]):
    settings = OptimizerSettings(schedule=schedule, warmup_epochs=1.5)
    factors = [rate_factor(settings, step, 4, 22) for step in range(22)]
    assert factors == pytest.approx([n / 6 for n in range(1, 7)] + expected)


def test_a_run_may_be_all_warm_up_or_have_none():
    all_warm = OptimizerSettings(warmup_epochs=1.0)
    assert [rate_factor(all_warm, step, 4, 4) for step in range(4)] == [0.25, 0.5, 0.75, 1.0]
    assert rate_factor(OptimizerSettings(warmup_epochs=0.0), 0, 4, 4) == 1.0


def test_learning_rates_of_a_step_are_those_of_the_schedule(data: Path, tmp_path: Path):
    trainer = Trainer(run_settings(data, optimizer={"lr": 0.2, "warmup_epochs": 1.0}), tmp_path)
    trainer.fit(until=2)
    assert all(group["lr"] == pytest.approx(0.1) for group in trainer.parts.optimizer.param_groups)
    assert read_metrics(tmp_path)[-1]["lr"] == pytest.approx(0.1)


@pytest.mark.parametrize(("seconds", "text"), [(0.4, "0:00"), (61, "1:01"), (3671, "1:01:11")])
def test_times_are_shown_as_clocks(seconds: float, text: str):
    assert clock(seconds) == text
