"""The training loop."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch

from facezoo.benchmarks import Benchmark
from facezoo.data.store import Store
from facezoo.errors import FacezooError
from facezoo.settings import RunSettings
from facezoo.training.audience import Audience
from facezoo.training.course import Course
from facezoo.training.gradients import Gradients, Pixels
from facezoo.training.initial import start_from
from facezoo.training.interrupt import Interrupted, StopRequest, stop_request
from facezoo.training.means import Means
from facezoo.training.optimizer import clip_gradients, set_rate
from facezoo.training.parts import build_parts
from facezoo.training.saving import Saver
from facezoo.training.schedule import rate_factor
from facezoo.training.state import describe, restore
from facezoo.training.verifying import Verifier

if TYPE_CHECKING:
    from rich.console import Console


class Trainer:
    """One run in its directory: what it is made of (`parts`), where it stands (`course`), and the steps that
    move it on.

    Pass fresh=False when you call `restore` afterwards: `train.init_from` is then skipped.
    """

    def __init__(
        self, settings: RunSettings, run_dir: Path, console: Console | None = None, *, fresh: bool = True
    ) -> None:
        self.settings = settings
        self.parts = build_parts(settings)
        about = describe(self.parts, settings)
        start = start_from(self.parts, settings, about) if fresh else None
        self.course = Course(run_dir, settings, len(self.parts.batches))
        self.audience = Audience(self.course, console)
        self.saver = Saver(self.course, self.parts, self.audience, about, start)
        self.verifier: Verifier | None = None
        """What verifies the run, where there is something to verify it on."""
        self._gradients = Gradients(self.parts, settings.train.accumulate)

    def verify_on(self, benchmark: Benchmark, store: Store) -> None:
        """Verify the run on a benchmark, whose images are in `store`."""
        self.verifier = Verifier(benchmark, store, self.course, self.parts, self.audience, self.saver)

    def restore(self, checkpoint: Path) -> None:
        """Go on from a checkpoint; FacezooError where it is not one of this run."""
        metadata = restore(self.parts, self.settings, self.saver.about, checkpoint)
        self.course.step = metadata["step"]
        self.saver.started_from = metadata.get("started_from")

    def fit(self, until: int | None = None) -> None:
        """Train to step `until` (the end of the run), saving as the settings say and at the end.

        Ctrl-C, SIGTERM, SIGHUP and a closed pipe are answered after the step that is being computed: with a
        checkpoint, then with `Interrupted`. Raises FacezooError where the loss is not finite, or something
        outside fails (the disk, an image); what was computed up to the last whole step is saved first.
        """
        try:
            self._train(self.course.total_steps if until is None else until)
        except Exception as problem:
            with suppress(FacezooError):
                self.saver.rescue()
            with suppress(FacezooError):
                self.audience.end()
            if isinstance(problem, FacezooError):
                raise self.saver.with_what_stays(problem) from problem
            raise
        except BaseException:
            with suppress(FacezooError):
                self.audience.end()
            raise
        self.audience.end()

    def _train(self, until: int) -> None:
        self.parts.train()
        self.audience.report.start(self.course.step)
        with stop_request() as stop:
            self.audience.report.when_closed(stop.ask)
            self.audience.start()
            if self.verifier:
                self.verifier.if_missed()
            while self.course.step < until and stop.signal is None:
                self._epoch(until, stop)
            if stop.signal is not None:
                self.saver.save_once()
                raise Interrupted(stop.signal)
        if self.verifier:
            self.verifier.at_end()

    def _epoch(self, until: int, stop: StopRequest) -> None:
        """What is left of the epoch that the run is in, or as much of it as `until` and `stop` allow."""
        course, names = self.course, self.parts.data.faces.names
        epoch, first = divmod(course.step, course.steps_per_epoch)
        means = self._means_so_far(epoch, first)
        started = time.perf_counter()
        for batch in self.parts.batches.epoch(epoch, first, lambda: stop.signal is not None):
            metrics = self._step(batch.images, batch.pixels)
            if batch.skipped:
                metrics |= {"images": len(batch.images), "skipped": len(batch.skipped)}
            metrics["images_per_second"] = len(batch.images) / (time.perf_counter() - started)
            means.add(metrics, len(batch.images))
            self.audience.step(metrics, batch.skipped, names)
            if course.step % course.steps_per_epoch and stop.signal is None and self.verifier:
                self.verifier.if_due()
            if course.step == until or stop.signal is not None:
                break
            started = time.perf_counter()
        if course.step == (epoch + 1) * course.steps_per_epoch:
            self._end_epoch(epoch + 1, means, stop)

    def _means_so_far(self, epoch: int, first: int) -> Means:
        """The means over the batches before `first`, which an earlier process computed."""
        means = Means()
        if first:
            done = self.parts.batches.images(epoch)[:first]
            images = dict(enumerate(map(len, done), epoch * self.course.steps_per_epoch + 1))
            means.add_written(self.audience.log.past.steps.values(), images)
        return means

    def _end_epoch(self, epoch: int, means: Means, stop: StopRequest) -> None:
        self.audience.epoch(epoch, {**means.figures(), **self._of_head()}, means.seconds)
        every = self.settings.train.save_every
        if self.course.at_end or (every and epoch % every == 0):
            self.saver.save()
        if stop.signal is None and self.verifier:
            self.verifier.if_due()
        self.audience.note_muted()

    def _of_head(self) -> dict[str, dict[str, float]]:
        """What the head says about itself, under `head`, if it does; a function of its state alone."""
        loss, labels = self.parts.loss, torch.from_numpy(self.parts.data.faces.labels)
        images = labels.bincount(minlength=loss.context.classes).to(self.parts.device)
        figures = loss.report(images)
        return {"head": figures} if figures else {}

    def _step(self, images: npt.NDArray[np.int64], pixels: Pixels) -> dict[str, Any]:
        """One optimiser step, and its metrics."""
        course, parts, settings = self.course, self.parts, self.settings.optimizer
        factor = rate_factor(settings, course.step, course.steps_per_epoch, course.total_steps)
        set_rate(parts.optimizer, factor)
        self.saver.whole = False
        parts.optimizer.zero_grad(set_to_none=True)
        metrics = self._gradients.leave(images, pixels, course.now())
        if settings.clip_norm:
            metrics["gradient_norm"] = clip_gradients(parts.optimizer, settings.clip_norm)
        parts.optimizer.step()
        parts.loss.after_step()
        course.step += 1
        self.saver.whole = True
        epoch = (course.step - 1) // course.steps_per_epoch + 1
        zeros = int(parts.loss.zero_embeddings)
        lr = settings.lr * factor
        return {"step": course.step, "epoch": epoch, **metrics, "lr": lr, "zero_embeddings": zeros}
