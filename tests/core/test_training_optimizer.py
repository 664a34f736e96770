"""Optimisers, gradient clipping and accumulation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from facezoo import FacezooError
from facezoo.runs.written import read_metrics
from facezoo.training import Trainer
from facezoo.training.optimizer import clip_gradients
from facezoo.training.state import collect
from support.faces import identity_folder
from support.stateful_head import run_settings

ADAMW = {"name": "adamw", "lr": 0.01, "beta1": 0.8, "beta2": 0.95}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return identity_folder(tmp_path_factory.mktemp("data") / "faces", images=8)


def test_adamw_takes_its_settings_and_learns(data: Path, tmp_path: Path):
    trainer = Trainer(run_settings(data, optimizer=ADAMW), tmp_path)
    assert isinstance(trainer.parts.optimizer, torch.optim.AdamW)
    assert {group["betas"] for group in trainer.parts.optimizer.param_groups} == {(0.8, 0.95)}
    trainer.fit()
    losses = [line["loss"] for line in read_metrics(tmp_path) if "event" not in line]
    assert losses[-1] < losses[0] / 2


@pytest.mark.parametrize("changes", [{"optimizer": ADAMW}, {"train": {"accumulate": 2, "batch_size": 4}}])
def test_two_halves_of_a_run_give_the_bits_of_the_whole(data: Path, tmp_path: Path, changes):
    settings = run_settings(data, **changes)
    (tmp_path / "whole").mkdir()
    whole = Trainer(settings, tmp_path / "whole")
    whole.fit()
    first, second = (Trainer(settings, tmp_path) for _ in range(2))
    first.fit(until=7)
    second.restore(first.saver.save())
    second.fit()
    one, two = collect(whole.parts), collect(second.parts)
    assert one["optimizer"].keys() == two["optimizer"].keys()
    for part, tensors in one.items():
        assert [name for name in tensors if not torch.equal(tensors[name], two[part][name])] == []
    kinds = {name.rpartition("|")[2] for name in one["optimizer"]} - {"cpu"}
    expected = {"step", "exp_avg", "exp_avg_sq"} if "optimizer" in changes else {"momentum_buffer"}
    assert kinds == expected


def gradients(trainer: Trainer) -> dict[str, torch.Tensor]:
    return {name: p.grad.clone() for p, name in trainer.parts.names().items() if p.grad is not None}


def test_accumulated_gradients_are_the_weighted_sum_of_the_passes(data: Path, tmp_path: Path):
    """A step of 16 images in two passes of 8, against two networks that see 8 each."""
    settings = run_settings(data, train={"accumulate": 2, "batch_size": 8, "precision": "float32"})
    together = Trainer(settings, tmp_path)
    images = together.parts.batches.images(0)[0]
    assert len(images) == 16
    pixels = together.parts.batches.load(images, 0).pixels
    metrics = together._gradients.leave(images, pixels, "here")
    assert int(together.parts.loss.step) == 2

    halves, losses = [], []
    alone = Trainer(settings, tmp_path)  # one network: the second pass meets the head as the first left it
    for part in np.array_split(np.arange(16), 2):
        alone.parts.optimizer.zero_grad(set_to_none=True)
        value = alone._gradients._forward(images[part], pixels[part], "here")
        value.backward()
        halves.append(gradients(alone))
        losses.append(float(value.detach()))
    summed = gradients(together)
    assert summed.keys() == halves[0].keys()
    assert "head.prototypes.weight" in summed
    for name, gradient in summed.items():
        expected = (halves[0][name] + halves[1][name]) / 2
        torch.testing.assert_close(gradient, expected, rtol=1e-4, atol=1e-6, msg=name)
    assert metrics["loss"] == pytest.approx(np.mean(losses))
    assert sum(metrics["terms"].values()) == pytest.approx(metrics["loss"], rel=1e-5)


def test_steps_and_epochs_are_those_of_whole_steps(data: Path, tmp_path: Path):
    trainer = Trainer(run_settings(data, train={"accumulate": 2, "batch_size": 8}), tmp_path)
    assert trainer.course.steps_per_epoch == 2
    context = trainer.parts.loss.context
    assert (context.steps_per_epoch, context.total_steps) == (4, 16)
    trainer.fit(until=3)
    assert int(trainer.parts.loss.step) == 6
    assert [line["step"] for line in read_metrics(tmp_path) if "event" not in line] == [1, 2, 3]


def test_a_pass_of_one_image_is_refused(data: Path, tmp_path: Path):
    with pytest.raises(FacezooError, match=r"train\.accumulate: 12 forward passes per step, with 32 images"):
        Trainer(run_settings(data, train={"accumulate": 12, "batch_size": 2}), tmp_path)


def test_gradients_are_clipped_and_their_norm_is_written(data: Path, tmp_path: Path):
    trainer = Trainer(run_settings(data, optimizer={"clip_norm": 0.5}), tmp_path)
    trainer.fit(until=3)
    norms = [line["gradient_norm"] for line in read_metrics(tmp_path)]
    assert min(norms) > 0.5, "the norm before clipping is what is written"
    left = torch.stack([gradient.norm() for gradient in gradients(trainer).values()]).norm()
    assert float(left) == pytest.approx(0.5, rel=1e-3)


def test_short_gradients_stay_as_they_are():
    weight = torch.nn.Parameter(torch.zeros(2))
    weight.grad = torch.tensor([0.3, 0.4])
    assert clip_gradients(torch.optim.SGD([weight], 0.1), 1.0) == pytest.approx(0.5)
    assert weight.grad.tolist() == pytest.approx([0.3, 0.4])
