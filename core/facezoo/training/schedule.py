"""The learning rate as a function of the step."""

from __future__ import annotations

from collections.abc import Callable
from math import cos, pi

from facezoo.settings import OptimizerSettings

POWER = 2  # of the polynomial, as in insightface's recipes
DROPS = (
    5 / 8,
    7 / 8,
)  # of the steps after warm-up: where ArcFace's recipe for CASIA (20k and 28k of 32k) drops


def polynomial(progress: float) -> float:
    """(1 - progress) squared."""
    return (1 - progress) ** POWER


def cosine(progress: float) -> float:
    """Half a cosine, from 1 to 0."""
    return (1 + cos(pi * progress)) / 2


def step(progress: float) -> float:
    """Multiply the rate by 0.1 at each of the two DROPS."""
    return 0.1 ** sum(progress >= drop for drop in DROPS)


SCHEDULES: dict[str, Callable[[float], float]] = {"polynomial": polynomial, "cosine": cosine, "step": step}


def rate_factor(settings: OptimizerSettings, number: int, steps_per_epoch: int, total_steps: int) -> float:
    """What the learning rate is multiplied by at step `number` (from 0).

    It rises in equal parts over the warm-up, to 1 at its last step, then falls by the schedule, whose
    progress goes from 0 to (not including) 1 over the remaining steps.
    """
    warmup = round(settings.warmup_epochs * steps_per_epoch)
    if number < warmup:
        return (number + 1) / warmup
    return SCHEDULES[settings.schedule]((number - warmup) / max(1, total_steps - warmup))
