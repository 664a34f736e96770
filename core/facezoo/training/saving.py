"""When a run's state is saved, and what is said where it could not be."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from facezoo.benchmarks import Main
from facezoo.errors import FacezooError
from facezoo.runs.checkpoint import name_best, write_checkpoint
from facezoo.runs.places import latest_checkpoint
from facezoo.runs.verified import best_checkpoint
from facezoo.training.audience import Audience
from facezoo.training.course import Course
from facezoo.training.parts import Parts
from facezoo.training.state import collect


class Saver:
    """Writes checkpoints of `parts`, which `about` describes; `started_from` is what they started from."""

    def __init__(
        self,
        course: Course,
        parts: Parts,
        audience: Audience,
        about: Mapping[str, Any],
        started_from: Mapping[str, Any] | None,
    ) -> None:
        self.course, self.parts, self.audience = course, parts, audience
        self.about, self.started_from = about, started_from
        self.whole = True
        """Whether the present state may be saved: between steps, and where no save is under way."""

    def save(self) -> Path:
        """Write a checkpoint of the present state."""
        course, observers = self.course, self.audience.observers
        metadata = dict(self.about)
        metadata["epoch"], metadata["batch"] = divmod(course.step, course.steps_per_epoch)
        metadata["started_from"] = self.started_from
        metadata["hooks"] = observers.checkpoint_metadata(run=course.run)
        metadata["muted_observers"] = observers.muted
        keep = course.settings.train.keep
        self.whole = False
        try:
            self.audience.log.sync()  # the figures of these steps are not computed again
        finally:
            path = write_checkpoint(course.dir, course.step, collect(self.parts), metadata, keep)
        self.whole = True
        return path

    def save_once(self) -> None:
        """A checkpoint of the present state, unless that was saved already."""
        last = latest_checkpoint(self.course.dir)
        if last is None or last.name != f"step-{self.course.step}":
            self.save()

    def rescue(self) -> None:
        """Save what has been computed, after something outside of the steps has failed."""
        if self.whole and self.course.step:
            self.save_once()

    def keep_if_best(self, main: Main, on: str) -> bool:
        """Save and name the present state if it verifies better than all before it on the same benchmark;
        returns whether it is the best.
        """
        step, best = self.course.step, best_checkpoint(self.course.dir)
        if best and (best["pairs"], best["figure"]) == (on, main.name):
            as_good = main.value == best["value"]
            if not (main.beats(best["value"]) or (as_good and step < best["step"])):
                return bool(best["step"] == step)
        elif main.value is None:
            return False
        self.save_once()
        keep, direction = self.course.settings.train.keep, {"figure": main.name, "better": main.better}
        name_best(self.course.dir, step, on, main.value, keep, **direction)
        return True

    def with_what_stays(self, problem: FacezooError) -> FacezooError:
        """The error, with the checkpoint to go on from in its hint."""
        last = latest_checkpoint(self.course.dir)
        kept = f"The last good checkpoint is {last}." if last else "No checkpoint was saved before it."
        if (str(last) if last else "--resume") in problem.hint:  # what failed is a save, and says so itself
            return problem
        return FacezooError(problem.message, f"{problem.hint} {kept}".strip())
