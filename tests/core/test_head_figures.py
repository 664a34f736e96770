"""What a head says about itself: `report` at the end of epochs, `threshold` in evaluation."""

from __future__ import annotations

import json
import re
from io import StringIO
from pathlib import Path

import pytest
import torch
from rich.console import Console
from torch import nn

import facezoo
from facezoo import FacezooError
from facezoo.registry import API_VERSION, HeadConfig, HeadSpec, LoadedHead
from facezoo.registry.entries import PluginEntry
from facezoo.runs.metrics import forget_after
from facezoo.runs.written import read_metrics
from facezoo.training import Trainer, train
from support.faces import identity_folder, pairs_csv
from support.stateful_head import run_settings

CLASSES, DIM = 13, 8
PROTOCOL = Path(__file__).parents[2] / "docs" / "protocol.md"


class Talkative(nn.Module):
    """Counts the rows of each class that it was given, as a head's memory might, and learns a bias."""

    def __init__(self, config, context):
        super().__init__()
        self.met = context.buffer(0.0)
        self.bias = nn.Parameter(torch.tensor(3.0))

    def loss(self, batch, scores):
        return scores.softmax(8 * scores.target - self.bias, scale=8.0).mean()

    def after_step(self, batch):
        self.met.values.index_add_(0, batch.labels, torch.ones_like(batch.norms).to(self.met.values))

    def report(self, images):
        assert not torch.is_grad_enabled()
        return {"images": images.sum(), "passes": (self.met.values / images).mean(), "bias": self.bias}

    def threshold(self):
        assert not torch.is_grad_enabled()
        return self.bias / 8


def loss_of(head: nn.Module) -> facezoo.HeadLoss:
    return facezoo.HeadLoss(head, facezoo.HeadContext(CLASSES, DIM), name="talkative")


@pytest.fixture
def loss() -> facezoo.HeadLoss:
    return loss_of(Talkative(None, facezoo.HeadContext(CLASSES, DIM)))


def test_a_report_takes_the_last_batch_in(loss: facezoo.HeadLoss):
    loss(torch.randn(CLASSES, DIM), torch.arange(CLASSES))
    figures = loss.report(torch.full((CLASSES,), 2, dtype=torch.int32))
    assert figures == {"images": 26.0, "passes": 0.5, "bias": 3.0}
    assert all(type(figure) is float for figure in figures.values())


def test_a_threshold_is_a_number(loss: facezoo.HeadLoss):
    assert loss.threshold == 0.375


def test_a_head_may_have_neither_and_a_threshold_may_not_be_there_yet(loss: facezoo.HeadLoss):
    silent = facezoo.build("cosface", classes=CLASSES, dim=DIM)
    assert silent.report(torch.ones(CLASSES, dtype=torch.long)) == {}
    assert silent.threshold is None
    loss.head.threshold = lambda: None
    assert loss.threshold is None


@pytest.mark.parametrize("images", [torch.ones(CLASSES), torch.ones(3, dtype=torch.long)])
def test_images_must_be_a_count_for_each_class(loss: facezoo.HeadLoss, images: torch.Tensor):
    with pytest.raises(FacezooError, match="images: expected an integer for each of 13 classes"):
        loss.report(images)


@pytest.mark.parametrize("figures", [3.0, {"margins": torch.ones(2)}, {"margin": "large"}])
def test_a_report_that_is_no_numbers_by_name_is_refused(loss: facezoo.HeadLoss, figures: object):
    loss.head.report = lambda images: figures
    with pytest.raises(FacezooError, match=r"'talkative': report\(images\) must give numbers by name"):
        loss.report(torch.ones(CLASSES, dtype=torch.long))


def test_those_in_the_documentation_give_numbers():
    page: dict[str, type[nn.Module]] = {"__name__": "protocol_page"}
    for block in re.findall(r"```python\n(.*?)```", PROTOCOL.read_text(encoding="utf-8"), re.S):
        exec(compile(block, str(PROTOCOL), "exec"), page)
    context = facezoo.HeadContext(CLASSES, DIM, steps_per_epoch=1, total_steps=10)
    margins = facezoo.HeadLoss(page["JAMsFace"](None, context), context)
    with torch.no_grad():
        margins.head.angle.values[:4] = 0.5
    found = margins.report(torch.arange(CLASSES))  # the middle class is in both
    assert found == pytest.approx({"angle, poor": (4 * 0.5 + 3 * 0.3) / 7, "angle, rich": 0.3})
    pairs = facezoo.HeadLoss(page["UniTSFace"](None, context), context)
    assert pairs.threshold is None
    for _ in range(2):
        pairs(torch.randn(CLASSES, DIM), torch.arange(CLASSES))
    assert pairs.threshold == pytest.approx(pairs.head.bias.item() / 64)


SPEC = HeadSpec(
    name="talkative",
    summary="For tests",
    config=HeadConfig,
    factory=f"{__name__}:Talkative",
    api_version=API_VERSION,
)


class Loaded(LoadedHead):
    """The head above: this module cannot be imported by the name that a factory needs."""

    def factory(self):
        return Talkative


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory):
    root = identity_folder(tmp_path_factory.mktemp("faces"))
    pairs_csv(root)
    (root / "person 2" / "5.png").unlink()
    head = Loaded(PluginEntry("talkative", "facezoo-tests", "1.0", "For tests"), SPEC)
    return run_settings(root, head, train={"epochs": 3, "save_every": 0}, evaluate={"pairs": "none"})


def epochs(run_dir: Path) -> list[dict[str, object]]:
    lines = [line for line in read_metrics(run_dir) if line.get("event") == "epoch"]
    return [{key: value for key, value in line.items() if key != "images_per_second"} for line in lines]


def test_reports_are_printed_and_written_with_every_epoch(settings, tmp_path: Path):
    printed = StringIO()
    train(settings, tmp_path / "run", console=Console(file=printed, width=200))
    heads = [line["head"] for line in epochs(tmp_path / "run")]
    assert [list(head) for head in heads] == [["images", "passes", "bias"]] * 3
    assert [head["images"] for head in heads] == [23.0] * 3
    assert [head["passes"] for head in heads] == pytest.approx([1, 2, 3])  # each image once per epoch
    lines = [line for line in printed.getvalue().splitlines() if line.startswith("head after epoch")]
    bias = heads[1]["bias"]
    assert lines[1] == f"head after epoch 2: images 23, passes 2, bias {bias:.4g}"


def test_reports_are_printed_beside_a_progress_bar_too(settings, tmp_path: Path):
    printed = StringIO()
    train(settings, tmp_path / "run", console=Console(file=printed, force_terminal=True, width=120))
    assert "head after epoch 3: images 23, passes 3, bias" in printed.getvalue()


@pytest.mark.parametrize("stop", [1, 4, 6, 11])  # four steps per epoch
def test_a_resumed_run_reports_what_an_unbroken_one_does(settings, tmp_path: Path, stop: int):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    for folder in (whole, broken):
        folder.mkdir()
    Trainer(settings, whole).fit()
    first = Trainer(settings, broken)
    first.fit(until=stop)
    checkpoint = first.saver.save()
    first.fit(until=min(stop + 2, 12))  # these steps are lost, and may have ended an epoch
    forget_after(broken, stop)
    second = Trainer(settings, broken)
    second.restore(checkpoint)
    second.fit()
    assert epochs(broken) == epochs(whole)
    assert len(epochs(whole)) == 3


def test_heads_without_a_report_leave_the_epochs_line_as_it_is(settings, tmp_path: Path):
    quiet = run_settings(Path(settings.data.path), train={"epochs": 1}, evaluate={"pairs": "none"})
    train(quiet, tmp_path / "run")
    (line,) = epochs(tmp_path / "run")
    assert "head" not in line
    assert json.dumps(line)
