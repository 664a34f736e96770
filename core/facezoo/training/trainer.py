"""The training loop."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch

from facezoo._cut import SHOWN
from facezoo.data import LeftOut, TestPairs
from facezoo.errors import FacezooError
from facezoo.evaluation import Verification
from facezoo.hooks import Observers, load_observers
from facezoo.runs.checkpoint import best_checkpoint, latest_checkpoint, name_best, write_checkpoint
from facezoo.runs.metrics import MetricsLog
from facezoo.runs.run import Run
from facezoo.settings import RunSettings
from facezoo.training.gradients import Gradients, Pixels
from facezoo.training.initial import start_from
from facezoo.training.interrupt import Interrupted, StopRequest, stop_request
from facezoo.training.means import Means
from facezoo.training.optimizer import clip_gradients, set_rate
from facezoo.training.parts import build_parts
from facezoo.training.report import Report
from facezoo.training.schedule import rate_factor
from facezoo.training.state import collect, describe, restore
from facezoo.training.verifying import verification_due, verify_pairs

if TYPE_CHECKING:
    from rich.console import Console


class Trainer:
    """One run in its directory: what it is made of, where it stands, and the steps that move it on.

    `step` counts optimiser steps from 0. With `steps_per_epoch` it says which epoch and batch come next, so
    nothing else needs to be remembered, and a checkpoint may lie anywhere. `train.init_from` is read unless
    the run is not `fresh`, because `restore` follows.
    """

    def __init__(
        self, settings: RunSettings, run_dir: Path, console: Console | None = None, *, fresh: bool = True
    ) -> None:
        self.settings = settings
        self.run_dir = run_dir
        self.parts = build_parts(settings)
        self.about = describe(self.parts, settings)
        self.started_from = start_from(self.parts, settings, self.about) if fresh else None
        self.step = 0
        self.steps_per_epoch = len(self.parts.batches)
        self.total_steps = self.steps_per_epoch * settings.train.epochs
        self.report = Report(console, settings.train.epochs, self.total_steps)
        self.observers: Observers = load_observers()
        self.pairs: TestPairs | None = None
        """What is verified during training, where the settings ask for it."""
        self.verified: tuple[int, Verification] | None = None
        """The last verification during training, and its step."""
        self.log = MetricsLog(run_dir)
        self._muted_written = 0
        self._whole = True
        """Whether the present state may be saved: between steps, and where no save is under way."""
        self._gradients = Gradients(self.parts, settings.train.accumulate)

    @property
    def run(self) -> Run:
        """What observers are shown."""
        return Run(self.run_dir, self.settings, self.step, self.step // self.steps_per_epoch)

    def restore(self, checkpoint: Path) -> None:
        """Go on from a checkpoint; FacezooError where it is not one of this run."""
        metadata = restore(self.parts, self.settings, self.about, checkpoint)
        self.step = metadata["step"]
        self.started_from = metadata.get("started_from")

    def fit(self, until: int | None = None) -> None:
        """Train from `step` to step `until` (the end of the run), saving as the settings say and at the end.

        Ctrl-C, SIGTERM, SIGHUP and a closed pipe are answered after the step that is being computed: with a
        checkpoint, then with `Interrupted`. Raises FacezooError where the loss is not finite, or something
        outside fails (the disk, an image); what was computed up to the last whole step is saved first.
        """
        try:
            self._train(self.total_steps if until is None else until)
        except Exception as problem:
            with suppress(FacezooError):
                self._rescue()
            with suppress(FacezooError):
                self._finish()
            if isinstance(problem, FacezooError):
                raise self._with_what_stays(problem) from problem
            raise
        except BaseException:
            with suppress(FacezooError):
                self._finish()
            raise
        self._finish()

    def _train(self, until: int) -> None:
        self.parts.train()
        self.report.start(self.step)
        with stop_request() as stop:
            self.report.when_closed(stop.ask)
            self._start_observers()
            self._verify_if_missed()
            while self.step < until and stop.signal is None:
                self._epoch(until, stop)
            if stop.signal is not None:
                self._save_once()
                raise Interrupted(stop.signal)
        self._verify_at_end()

    def _finish(self) -> None:
        self.report.stop()
        if skipped := self.log.past.skipped:
            self.report.line(
                f"skipped: {len(skipped):,} images that cannot be decoded; metrics.jsonl has all"
            )
        self.observers.train_end(run=self.run)
        try:
            self._note_muted()
        finally:
            self.log.close()

    def _rescue(self) -> None:
        """Save what has been computed, after something outside of the steps has failed."""
        if self._whole and self.step:
            self._save_once()

    def _with_what_stays(self, problem: FacezooError) -> FacezooError:
        """The error, with the checkpoint to go on from in its hint."""
        last = latest_checkpoint(self.run_dir)
        kept = f"The last good checkpoint is {last}." if last else "No checkpoint was saved before it."
        if (str(last) if last else "--resume") in problem.hint:  # what failed is a save, and says so itself
            return problem
        return FacezooError(problem.message, f"{problem.hint} {kept}".strip())

    def save(self) -> Path:
        """Write a checkpoint of the present state."""
        metadata = dict(self.about)
        metadata["epoch"], metadata["batch"] = divmod(self.step, self.steps_per_epoch)
        metadata["started_from"] = self.started_from
        metadata["hooks"] = self.observers.checkpoint_metadata(run=self.run)
        metadata["muted_observers"] = self.observers.muted
        keep = self.settings.train.keep
        self._whole = False
        try:
            self.log.sync()  # the figures of these steps are not computed again
        finally:
            path = write_checkpoint(self.run_dir, self.step, collect(self.parts), metadata, keep)
        self._whole = True
        return path

    def _save_once(self) -> None:
        """A checkpoint of the present state, unless that was saved already."""
        last = latest_checkpoint(self.run_dir)
        if last is None or last.name != f"step-{self.step}":
            self.save()

    def _epoch(self, until: int, stop: StopRequest) -> None:
        """What is left of the epoch that `step` lies in, or as much of it as `until` and `stop` allow."""
        epoch, first = divmod(self.step, self.steps_per_epoch)
        means = self._means_so_far(epoch, first)
        started = time.perf_counter()
        for batch in self.parts.batches.epoch(epoch, first, lambda: stop.signal is not None):
            metrics = self._step(batch.images, batch.pixels)
            if batch.skipped:
                metrics |= {"images": len(batch.images), "skipped": len(batch.skipped)}
            metrics["images_per_second"] = len(batch.images) / (time.perf_counter() - started)
            means.add(metrics, len(batch.images))
            self.log.write(metrics)
            self._note_skipped(batch.skipped)
            self.report.step(metrics)
            self.observers.step_end(run=self.run, step=self.step, metrics=metrics)
            self._note_muted()
            if self.step % self.steps_per_epoch and stop.signal is None:
                self._verify_if_due()
            if self.step == until or stop.signal is not None:
                break
            started = time.perf_counter()
        if self.step == (epoch + 1) * self.steps_per_epoch:
            self._end_epoch(epoch + 1, means, stop)

    def _means_so_far(self, epoch: int, first: int) -> Means:
        """The means over the batches before `first`, which an earlier process computed."""
        means = Means()
        if first:
            done = self.parts.batches.images(epoch)[:first]
            start = epoch * self.steps_per_epoch + 1
            images = {step: len(batch) for step, batch in enumerate(done, start)}
            means.add_written(self.log.past.steps.values(), images)
        return means

    def _end_epoch(self, epoch: int, means: Means, stop: StopRequest) -> None:
        metrics = {"event": "epoch", "step": self.step, "epoch": epoch, **means.figures(), **self._of_head()}
        self.log.write(metrics)
        self.report.epoch(metrics, (self.settings.train.epochs - epoch) * means.seconds)
        self.observers.epoch_end(run=self.run, epoch=epoch, metrics=metrics)
        every = self.settings.train.save_every
        if self.step == self.total_steps or (every and epoch % every == 0):
            self.save()
        if stop.signal is None:
            self._verify_if_due()
        self._note_muted()

    def _of_head(self) -> dict[str, dict[str, float]]:
        """What the head says about itself, under `head`, if it does; a function of its state alone."""
        loss, labels = self.parts.loss, torch.from_numpy(self.parts.data.faces.labels)
        images = labels.bincount(minlength=loss.context.classes).to(self.parts.device)
        figures = loss.report(images)
        return {"head": figures} if figures else {}

    def _start_observers(self) -> None:
        """Begin to tell observers, first of the untrained network's figures where nothing lies behind it."""
        for said in self.observers.train_start(run=self.run):
            self.report.line(said)
        untrained = self.log.past.untrained
        if untrained is not None and not self.step:
            self.observers.verification_end(run=self.run, step=0, figures=untrained)
        self._note_muted()

    def _is_verified(self) -> bool:
        """Whether metrics.jsonl has the figures after the present step."""
        return self.step in self.log.past.verified

    def _verify_if_missed(self) -> None:
        """The verification after the step that a run is resumed at, where it was stopped before that."""
        if not self._is_verified():
            self._verify_if_due()

    def _verify_at_end(self) -> None:
        """The verification after the last step, where the settings ask for none during training."""
        if self.pairs is not None and self.step == self.total_steps and not self._is_verified():
            figures = verify_pairs(self.parts, self.settings.evaluate, self.pairs)
            self._note_verified(figures)

    def _verify_if_due(self) -> None:
        evaluate = self.settings.evaluate
        due = verification_due(evaluate, self.step, self.steps_per_epoch, self.total_steps)
        if self.pairs is None or not due:
            return
        figures = verify_pairs(self.parts, evaluate, self.pairs)
        best = self._keep_if_best(figures.accuracy, self.pairs.name)
        # written last: a run that is killed before it verifies this step again
        self._note_verified(figures)
        self.report.verification(self.step, figures.accuracy, best=best)

    def _note_verified(self, figures: Verification) -> None:
        self.verified = (self.step, figures)
        self.log.write({"event": "verification", "step": self.step, "verification": figures.as_dict()})
        self.observers.verification_end(run=self.run, step=self.step, figures=figures.as_dict())
        self._note_muted()

    def _keep_if_best(self, accuracy: float, pairs: str) -> bool:
        """Save and name the present state if it verifies better than all before it on the same pairs."""
        best = best_checkpoint(self.run_dir)
        if best and best["pairs"] == pairs and (best["accuracy"], -best["step"]) >= (accuracy, -self.step):
            return bool(best["step"] == self.step)
        self._save_once()
        name_best(self.run_dir, self.step, pairs, accuracy, self.settings.train.keep)
        return True

    def _step(self, images: npt.NDArray[np.int64], pixels: Pixels) -> dict[str, Any]:
        """One optimiser step, and its metrics."""
        parts, settings = self.parts, self.settings.optimizer
        factor = rate_factor(settings, self.step, self.steps_per_epoch, self.total_steps)
        set_rate(parts.optimizer, factor)
        self._whole = False
        parts.optimizer.zero_grad(set_to_none=True)
        metrics = self._gradients.leave(images, pixels, self._where())
        if settings.clip_norm:
            metrics["gradient_norm"] = clip_gradients(parts.optimizer, settings.clip_norm)
        parts.optimizer.step()
        parts.loss.after_step()
        self.step += 1
        self._whole = True
        epoch = (self.step - 1) // self.steps_per_epoch + 1
        zeros = int(parts.loss.zero_embeddings)
        lr = settings.lr * factor
        return {"step": self.step, "epoch": epoch, **metrics, "lr": lr, "zero_embeddings": zeros}

    def _where(self) -> str:
        """The step that is being computed, in words."""
        epoch, batch = divmod(self.step, self.steps_per_epoch)
        return f"step {self.step + 1} (epoch {epoch + 1}, batch {batch + 1} of {self.steps_per_epoch})"

    def _note_skipped(self, skipped: Mapping[int, str]) -> None:
        """Write down images that could not be decoded, each when it is met for the first time."""
        said = self.log.past.skipped
        for image, reason in skipped.items():
            path = self.parts.data.faces.names[image]
            if path not in said:
                self.log.write({"event": "image skipped", "step": self.step, "path": path, "reason": reason})
                if len(said) <= SHOWN:
                    self.report.line(f"skipped: {LeftOut(path, reason)}")

    def _note_muted(self) -> None:
        for record in self.observers.muted[self._muted_written :]:
            self.log.write({"event": "observer muted", "at_step": self.step, **_renamed(record)})
        self._muted_written = len(self.observers.muted)


def _renamed(record: Mapping[str, str]) -> dict[str, str]:
    """A muted observer's record with its `event` as `during`: a line's own event is that it was muted."""
    return {("during" if key == "event" else key): value for key, value in record.items()}
