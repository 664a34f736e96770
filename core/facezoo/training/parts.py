"""What a run is made of, built from its settings."""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import Tensor, nn

from facezoo.backbones import build_backbone
from facezoo.data import Augmentation, Batches, Preprocessing, TrainingFaces, open_training
from facezoo.engine import HeadContext
from facezoo.engine.streamed.products import multiplies_bf16
from facezoo.errors import FacezooError
from facezoo.loss import HeadLoss, build_loss
from facezoo.runs.device import choose_device
from facezoo.settings import RunSettings
from facezoo.training.optimizer import make_optimizer
from facezoo.training.recompute import recompute_blocks


@dataclass(frozen=True, eq=False)
class Parts:
    """Data, networks and optimiser of one run, fresh."""

    data: TrainingFaces
    batches: Batches
    preprocessing: Preprocessing
    backbone: nn.Module
    loss: HeadLoss
    optimizer: torch.optim.Optimizer
    device: torch.device
    bf16: bool
    """Whether the backbone computes in bfloat16 where autocast allows it."""
    frozen: bool = False
    """Whether the backbone is left as it is."""

    def train(self) -> None:
        """Put everything that is trained into training mode; a frozen backbone keeps its statistics."""
        self.backbone.train(not self.frozen)
        self.loss.train()

    def names(self) -> dict[Tensor, str]:
        """All parameters and their names, `backbone.*` and `head.*`."""
        modules = {"backbone": self.backbone, "head": self.loss}
        return {
            parameter: f"{part}.{name}"
            for part, module in modules.items()
            for name, parameter in module.named_parameters()
        }


def build_parts(settings: RunSettings) -> Parts:
    """Open the data and build everything that a run needs; all that is random is a function of `train.seed`.

    Sets the number of torch's threads and what `choose_device` sets. Raises FacezooError for
    whatever the settings ask for that is not there.
    """
    train = settings.train
    if train.threads:
        _use_threads(train.threads)
    device = choose_device(train.device)
    images = settings.data
    memory = images.memory_mib * 2**20
    data = open_training(images.path, images.size, memory, fit=images.fit, cache=images.cache)
    augmentation = Augmentation(**{kind.name: getattr(images, kind.name) for kind in fields(Augmentation)})
    batches = _batches(data, settings, augmentation)
    torch.manual_seed(train.seed)
    backbone = _backbone(settings, device)
    loss = _loss(settings, len(data.faces.identities), len(batches)).to(device)
    return Parts(
        data=data,
        batches=batches,
        preprocessing=Preprocessing(settings.data.size, data.alignment, fit=data.fit),
        backbone=backbone,
        loss=loss,
        optimizer=make_optimizer(settings.optimizer, backbone, loss),
        device=device,
        bf16=train.precision == "bf16" or (train.precision == "auto" and multiplies_bf16(device)),
        frozen=train.freeze == "backbone",
    )


def _backbone(settings: RunSettings, device: torch.device) -> nn.Module:
    train, name = settings.train, settings.backbone.name
    backbone = build_backbone(name, settings.backbone.dim, settings.data.size)
    if train.freeze == "backbone":
        if train.init_from == "none":
            message = "train.freeze: 'backbone', with no train.init_from, would keep it as it was drawn"
            raise FacezooError(message, "Say where its weights are to come from (--init-from).")
        backbone.requires_grad_(False)
    if train.recompute:
        recompute_blocks(backbone, name)
    backbone.to(device)
    backbone.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing from the stubs
    return backbone


def _loss(settings: RunSettings, classes: int, steps_per_epoch: int) -> HeadLoss:
    train = settings.train
    passes = steps_per_epoch * train.accumulate  # which is what a head counts
    context = HeadContext(classes, settings.backbone.dim, train.seed, passes, passes * train.epochs)
    loss = build_loss(settings.head, settings.head_config, context, train.layout, train.matmul_precision)
    loss.reuse_gradient_buffer = True
    return loss


def _batches(data: TrainingFaces, settings: RunSettings, augmentation: Augmentation) -> Batches:
    """The batches of whole steps; FacezooError where a forward pass would get a single image."""
    train, skip, least = settings.train, settings.data.unreadable == "skip", 2 * settings.train.accumulate
    batches = Batches(
        data.store, train.batch_size * train.accumulate, train.seed, augmentation, skip=skip, least=least
    )
    if len(data.store) // len(batches) < least:
        message = (
            f"train.accumulate: {train.accumulate} forward passes per step, with {len(data.store):,} images "
            f"and train.batch_size {train.batch_size}, leave a pass of one image"
        )
        raise FacezooError(message, "Batch normalisation needs two: lower it, or raise train.batch_size.")
    return batches


def _use_threads(number: int) -> None:
    try:
        torch.set_num_threads(number)
    except (RuntimeError, ValueError) as problem:
        message = f"train.threads: {number:,} cannot be used"
        raise FacezooError(message, "Say as many as there are cores, or 0 for torch's choice.") from problem
