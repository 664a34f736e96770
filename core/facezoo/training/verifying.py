"""Verification on a benchmark, during training and after it, and the checkpoint that it names the best."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from facezoo.benchmarks import Benchmark, PairsBenchmark, Result
from facezoo.data.store import Store
from facezoo.evaluation import embed
from facezoo.settings import EvaluateSettings
from facezoo.training.audience import Audience
from facezoo.training.course import Course
from facezoo.training.parts import Parts
from facezoo.training.saving import Saver


class Verifier:
    """Verifies the backbone of `parts` on a benchmark, whose images are in `store`."""

    def __init__(
        self,
        benchmark: Benchmark,
        store: Store,
        course: Course,
        parts: Parts,
        audience: Audience,
        saver: Saver,
    ) -> None:
        self.benchmark, self.store, self.course, self.parts = benchmark, store, course, parts
        self.audience, self.saver = audience, saver
        self._last: tuple[int, Result] | None = None
        """The last verification that was told, and its step."""

    def result(self) -> Result:
        """What the backbone is worth as it is now, which may have been found at the end of training."""
        if self._last and self._last[0] == self.course.step:
            return self._last[1]
        return self.measure()

    def measure(self) -> Result:
        """What the backbone is worth as it is now.

        Raises FacezooError, naming images, where it gives some no direction: they failed to enrol.
        """
        evaluate, parts = self.course.settings.evaluate, self.parts
        size, flip = evaluate.batch_size, evaluate.flip
        rows = embed(parts.backbone, self.store, parts.preprocessing, batch_size=size, flip=flip)
        return self.benchmark.evaluate(rows)

    def if_due(self) -> None:
        """Verify after the present step, if the settings say so, and keep what verifies best."""
        course = self.course
        if not due(course.settings.evaluate, course.step, course.steps_per_epoch, course.total_steps):
            return
        result = self.measure()
        best = self.saver.keep_if_best(result.main, self.benchmark.name)
        # written last: a run that is killed before it verifies this step again
        self._tell(result)
        self.audience.report.verification(course.step, result.main, best=best)

    def if_missed(self) -> None:
        """The verification after the step that a run is resumed at, where it was stopped before that."""
        if not self._is_told():
            self.if_due()

    def at_end(self) -> None:
        """The verification after the last step, where the settings ask for none during training."""
        if self.course.at_end and not self._is_told():
            self._tell(self.measure())

    def made(self, line: Mapping[str, Any]) -> bool:
        """Whether the figures in a line that was written are of this benchmark.

        Earlier runs do not say its name, and a list may have changed since: the number of pairs of each kind
        is compared, too.
        """
        if line.get("on", self.benchmark.name) != self.benchmark.name:
            return False
        if not isinstance(self.benchmark, PairsBenchmark):
            return "on" in line
        figures = line["verification"]
        same = self.benchmark.pairs.same
        return (figures.get("genuine"), figures.get("impostor")) == (int(same.sum()), int((~same).sum()))

    def _is_told(self) -> bool:
        """Whether metrics.jsonl has the figures after the present step."""
        return self.course.step in self.audience.log.past.verified

    def _tell(self, result: Result) -> None:
        self._last = (self.course.step, result)
        self.audience.verification(result)


def due(evaluate: EvaluateSettings, step: int, steps_per_epoch: int, total_steps: int) -> bool:
    """Whether the settings ask for a verification after `step` steps."""
    if not step or not (evaluate.every or evaluate.every_steps):
        return False
    epochs = bool(evaluate.every) and step % (evaluate.every * steps_per_epoch) == 0
    steps = bool(evaluate.every_steps) and step % evaluate.every_steps == 0
    return epochs or steps or step == total_steps
