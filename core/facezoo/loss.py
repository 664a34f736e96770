"""A head with its prototypes as a loss module: what a training loop calls, facezoo's own or anybody's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, Self

import torch
from pydantic import BaseModel
from torch import Tensor, nn

from facezoo._answers import loss_terms, own_figures, own_threshold, subcentres_of
from facezoo._inputs import check_batch, check_problem
from facezoo.engine.batch import Batch
from facezoo.engine.classes import Prototypes, class_parameters
from facezoo.engine.context import HeadContext
from facezoo.engine.layout import Streamed, make_layout
from facezoo.engine.protocol import MarginHead
from facezoo.engine.scores import Scores
from facezoo.engine.sink import GradientBuffer
from facezoo.errors import FacezooError
from facezoo.registry import LoadedHead, load_head
from facezoo.registry.foreign import IN_ITS_CODE, Contained

LayoutName = Literal["streamed", "dense"]
_CALLS: Final = ("loss", "before_loss", "after_step", "report", "threshold", "subcentres", "decay")
"""What of a head is called, or asked for."""


def build(
    name: str,
    *,
    classes: int,
    dim: int,
    preset: str | None = None,
    layout: LayoutName = "streamed",
    seed: int = 0,
    steps_per_epoch: int | None = None,
    total_steps: int | None = None,
    matmul_precision: Literal["float32", "bf16"] = "float32",
    **settings: object,
) -> HeadLoss:
    """The loss of an installed head: `loss = build("arcface", classes=10_572, dim=512)`, then
    `loss(embeddings, labels)`.

    `classes` is the number of identities (at least 2), `dim` the embedding size. `settings` are the head's
    own, over
    `preset`, over its defaults; `facezoo show-head NAME` lists them. `steps_per_epoch` and `total_steps` are
    needed by heads with settings in epochs or in fractions of the run. `layout` and `matmul_precision` choose
    how the same value is computed. Raises `FacezooError` for a head that is not installed, an unknown or
    impossible setting, or a length that is needed and missing.
    """
    loaded = load_head(name)
    context = HeadContext(classes, dim, seed, steps_per_epoch, total_steps)
    return build_loss(loaded, loaded.configure(settings, preset), context, layout, matmul_precision)


def build_loss(
    loaded: LoadedHead,
    config: BaseModel,
    context: HeadContext,
    layout: str = "streamed",
    matmul_precision: str = "float32",
) -> HeadLoss:
    """`build` for a head and a config that are at hand already."""
    check_problem(context.classes, context.dim)
    head = loaded.make(config, context)
    return HeadLoss(head, context, layout, matmul_precision, loaded.spec.name, loaded.owner)


class HeadLoss(nn.Module):
    """A head, its prototypes and its counters.

    `head` is the plugin's module, `prototypes.weight` the class vectors, [C, D] or [C, K, D], and `layout`
    the way to compute. `step` counts training calls and `zero_embeddings` the all-zero embeddings among them;
    both are saved. `terms` holds the detached parts of the last value. Floating tensors stay float32 or
    better whatever `.half()` or `.to(bfloat16)` the model goes through: class vectors in 16 bits lose small
    updates for good.
    """

    step: Tensor
    zero_embeddings: Tensor

    def __init__(
        self,
        head: nn.Module,
        context: HeadContext,
        layout: str = "streamed",
        matmul_precision: str = "float32",
        name: str = "head",
        owner: str = "",
    ) -> None:
        super().__init__()
        if not isinstance(head, MarginHead):
            raise FacezooError(f"head {name!r}: {type(head).__name__} has no method loss(batch, scores)")
        self.name, self.owner = name, owner or f"head {name!r}"
        self.head, self.context = head, context
        self._calls = {call: Contained(f"{self.owner} fails in {call}", IN_ITS_CODE) for call in _CALLS}
        with self._calls["subcentres"]:
            subcentres = subcentres_of(self.owner, head)
        self.prototypes = Prototypes(context.classes, context.dim, subcentres, context.seed)
        self.register_buffer("step", torch.zeros((), dtype=torch.int64))
        self.register_buffer("zero_embeddings", torch.zeros((), dtype=torch.int64))
        self.terms: dict[str, Tensor] = {}
        self.layout = make_layout(layout, matmul_precision)
        self._unsettled: Batch | None = None
        self.register_state_dict_pre_hook(_settle_first)

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """The mean loss of a batch, 0-d, with gradient.

        `embeddings` [B, D] floating and unnormalised; `labels` [B] integers in [0, C). Computed in the dtype
        of the prototypes, float32 unless the module was converted to float64, whatever autocast says. Raises
        `FacezooError` for other shapes, labels out of range, non-finite embeddings, or class parameters out
        of their bounds.
        """
        self._settle()
        self._check(embeddings, labels)
        with torch.autocast(embeddings.device.type, enabled=False):
            batch = self.batch(embeddings, labels)
            if self.training:
                self._before_loss(batch)
            with self._calls["loss"]:
                terms = loss_terms(self.owner, self.head.loss(batch, batch.against(self.prototypes)))
            value = self._sum(terms)
        if self.training:
            self.step += 1
            self.zero_embeddings += (batch.norms.detach() == 0).sum()
            self._unsettled = batch.detached() if hasattr(self.head, "after_step") else None
        return value

    def batch(self, embeddings: Tensor, labels: Tensor) -> Batch:
        """Embeddings [B, D] of classes `labels` [B] as the head sees them, in the dtype of the prototypes.

        Nothing is checked.
        """
        labels = labels.to(embeddings.device, torch.int64)
        rows = embeddings.to(self.prototypes.weight.dtype)
        return Batch(rows, labels, int(self.step), self.layout, self.context.seed)

    def scores(self, embeddings: Tensor, labels: Tensor) -> Scores:
        """The same against the prototypes: the cosine to the own class, and reductions over the others."""
        return self.batch(embeddings, labels).against(self.prototypes)

    def after_step(self) -> None:
        """To be called after `optimizer.step()`: lets the head take the batch into its memories, and puts
        bounded class parameters back into their bounds.

        Without the call a batch is taken in at the next forward or save, and a parameter that left its bounds
        makes the next forward raise.
        """
        self._settle()
        for parameter in class_parameters(self.head).values():
            parameter.project()

    def param_groups(self, lr: float, weight_decay: float) -> list[dict[str, Any]]:
        """Optimiser groups: prototypes; each class parameter with its own learning rate and decay; the head's
        other parameters, without weight decay except those that the head names in `decay`.
        """
        groups = [self._group("prototypes", [self.prototypes.weight], lr, weight_decay)]
        own = class_parameters(self.head)
        for name, parameter in own.items():
            decay = weight_decay if parameter.decay else 0.0
            groups.append(self._group(name, [parameter.values], lr * parameter.lr, decay))
        taken = {id(parameter.values) for parameter in own.values()}
        with self._calls["decay"]:
            decayed = frozenset(getattr(self.head, "decay", ()))
        for name, tensor in self.head.named_parameters():
            if id(tensor) not in taken:
                groups.append(self._group(name, [tensor], lr, weight_decay if name in decayed else 0.0))
        return groups

    @torch.no_grad()
    def report(self, images: Tensor) -> dict[str, float]:
        """Figures that the head has about itself, by name; {} for a head without `report`.

        `images` [C] integers: how many training images each class has. The last batch is taken in first, as
        in `after_step`. Raises `FacezooError` for another shape, and for figures that are no numbers.
        """
        if not hasattr(self.head, "report"):
            return {}
        if images.shape != (self.context.classes,) or images.is_floating_point():
            found = f"{tuple(images.shape)} {images.dtype}"
            message = f"images: expected an integer for each of {self.context.classes} classes, got {found}"
            raise FacezooError(message, "torch.bincount(labels, minlength=classes) counts them")
        self._settle()
        with self._calls["report"]:
            return own_figures(self.owner, self.head.report(images.long()))  # type: ignore[operator]

    @property
    def threshold(self) -> float | None:
        """The cosine from which on the head itself takes a pair for genuine; None where it has none."""
        if not hasattr(self.head, "threshold"):
            return None
        with torch.no_grad(), self._calls["threshold"]:
            return own_threshold(self.owner, self.head.threshold())  # type: ignore[operator]

    @property
    def reuse_gradient_buffer(self) -> bool:
        """Whether the prototypes' gradient lives in one buffer from step to step, which between forward and
        backward holds cosines that the backward would otherwise compute again.

        For a training loop that calls `zero_grad(set_to_none=True)`; the gradient then is written to
        `prototypes.weight.grad`, unseen by `torch.autograd.grad` and tensor hooks. Layout `dense` has no use
        for it.
        """
        return isinstance(self.layout, Streamed) and self.layout.buffer is not None

    @reuse_gradient_buffer.setter
    def reuse_gradient_buffer(self, reuse: bool) -> None:
        if isinstance(self.layout, Streamed):
            self.layout.buffer = GradientBuffer() if reuse else None

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        def keep(tensor: Tensor) -> Tensor:
            moved = fn(tensor)
            lowered = moved.is_floating_point() and moved.dtype not in (torch.float32, torch.float64)
            return tensor.to(moved.device) if lowered else moved

        return super()._apply(keep, recurse)

    @torch.no_grad()
    def _before_loss(self, batch: Batch) -> None:
        if hasattr(self.head, "before_loss"):
            detached = batch.detached()
            with self._calls["before_loss"]:
                self.head.before_loss(detached, detached.against(self.prototypes))  # type: ignore[operator]

    @torch.no_grad()
    def _settle(self) -> None:
        """Let the head take in the last batch, whose backward is past by now."""
        batch, self._unsettled = self._unsettled, None
        if batch is not None:
            with self._calls["after_step"]:
                self.head.after_step(batch)  # type: ignore[operator]

    def _sum(self, terms: Mapping[str, Tensor]) -> Tensor:
        self.terms = {name: term.detach() for name, term in terms.items()}
        return torch.stack(list(terms.values())).sum() if len(terms) > 1 else next(iter(terms.values()))

    @staticmethod
    def _group(name: str, params: list[Tensor], lr: float, weight_decay: float) -> dict[str, Any]:
        return {"name": name, "params": params, "lr": lr, "weight_decay": weight_decay}

    def _check(self, embeddings: Tensor, labels: Tensor) -> None:
        context, device = self.context, self.prototypes.weight.device
        check_batch(embeddings, labels, context.classes, context.dim, device)
        for name, parameter in class_parameters(self.head).items():
            if not parameter.within_bounds():
                raise FacezooError(
                    f"{self.owner}: parameter {name!r} is outside its bounds {parameter.bounds}",
                    "call loss.after_step() after every optimizer.step()",
                )


def _settle_first(loss: HeadLoss, *_: object) -> None:
    """Settle before a state is taken; no lambda, since with one a loss could not be pickled."""
    loss._settle()
