"""One check of one plug-in, to be called or judged."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, Literal

import torch

from facezoo_conformance.rules import Rule, S, text_of


@dataclass(frozen=True)
class CheckResult:
    """What became of one check: `message` says why it failed, or why that was expected."""

    outcome: Literal["passed", "failed", "expected"]
    seconds: float
    message: str = ""
    error: Exception | None = None


@dataclass(frozen=True)
class Check(Generic[S]):
    """One check of one plug-in: to be called, or judged by `result`.

    `expected` is why the plug-in is known to fail it; empty where it is not.
    """

    subject: S
    rule: Rule[S]
    expected: str = ""

    @property
    def name(self) -> str:
        """The check's name."""
        return self.rule.name

    def __call__(self) -> None:
        """Run it, whatever the plug-in declares; raises where the plug-in does not pass."""
        with settled_generator(0):
            self.rule.run(self.subject)

    def result(self) -> CheckResult:
        """Run it and judge by what the plug-in declares: an expected failure that passes has failed."""
        start, error = time.perf_counter(), None
        try:
            self()
        except Exception as caught:  # noqa: BLE001 (whatever a plug-in raises is its failure)
            error = caught
        seconds = time.perf_counter() - start
        if error is None and self.expected:
            message = f"it passes: take it out of expected_failures ({self.expected})"
            return CheckResult("failed", seconds, message)
        if error is None:
            return CheckResult("passed", seconds)
        if self.expected:
            return CheckResult("expected", seconds, self.expected, error)
        return CheckResult("failed", seconds, text_of(error), error)


@contextmanager
def settled_generator(seed: int) -> Iterator[None]:
    """Seed torch's global generator inside the block, silence warnings, and put both back."""
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        # the problems are smaller than those for which a plug-in warns about its settings
        warnings.simplefilter("ignore")
        torch.manual_seed(seed)
        yield
